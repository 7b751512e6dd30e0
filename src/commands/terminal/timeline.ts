import type { BotReply } from '../../admin/wire.ts';
import { formatMoment, formatMomentInZone, zoneAt } from './age.ts';
import { plainLine } from './plain-text.ts';
import { paintSeverity, paintState, type Style } from './style.ts';
import { renderTable } from './table.ts';

/**
 * What happened to a bot, newest last.
 * @param most how many entries are shown; above them stands how many older ones there are
 */
export function timelineTable(timeline: BotReply['timeline'], most: number, style: Style, nowMs: number): string {
  if (timeline.length === 0) return 'Nothing has happened to it yet.\n';
  const older = Math.max(0, timeline.length - most);
  const note = older === 0 ? '' : style.paint('dim', `${older} older, shown by --history all\n`);
  if (older === timeline.length) return note;
  const zone = zoneAt(nowMs);
  const rows = timeline.slice(older).map(({ at, to, reason }) => {
    const atMs = Date.parse(at);
    // The heading has the zone of now, from which another part of the year differs.
    const text = zoneAt(atMs) === zone ? formatMoment(atMs, nowMs) : formatMomentInZone(atMs, nowMs);
    return [
      { text },
      { text: plainLine(to), paint: (state: string) => paintState(style, state) },
      { text: plainLine(reason.text), paint: (line: string) => paintSeverity(style, reason.severity, line) },
    ];
  });
  return `${note}${renderTable(style, [`TIME (${zone})`, 'STATE', 'WHY'], rows, 'wrap')}`;
}
