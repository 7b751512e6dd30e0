/** A line of the agent's own among those of the bot: the form the SDKs' `log` has (contract 10.2), as readers expect it. */
export function logLine(level: 'info' | 'warn' | 'error', message: string): Buffer {
  return Buffer.from(`${JSON.stringify({ level, message, timestamp: new Date().toISOString() })}\n`);
}
