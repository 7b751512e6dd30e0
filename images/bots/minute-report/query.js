/**
 * Queries to minute-report. A scheduled bot does not run most of the time, so this program is started for the question, with a
 * copy of the bot's state.
 *
 *   /latest             the latest report
 *   /reports?limit=5    the latest ones, newest first, without their parts
 */
const { query, state } = require('@alexanderwanyoike/the0-node');

query.handler('/latest', () => {
  const report = state.get('reports', []).at(-1);
  if (!report) throw new Error('No report yet: the first is written at the next full minute');
  return report;
});

query.handler('/reports', (req) => {
  const limit = Number(req.get('limit', '10'));
  if (!Number.isInteger(limit) || limit < 1) throw new Error('limit must be a whole number from 1');
  const reports = state.get('reports', []);
  return {
    total: reports.length,
    reports: reports
      .slice(-limit)
      .reverse()
      .map(({ at, total, change }) => ({ at, total, change })),
  };
});

query.run();
