/** Deadly signals of Linux by number: what an exit code above 128 is taken for. Other codes are a program's own. */
const SIGNALS: Readonly<Record<number, string>> = {
  1: 'SIGHUP',
  2: 'SIGINT',
  3: 'SIGQUIT',
  4: 'SIGILL',
  5: 'SIGTRAP',
  6: 'SIGABRT',
  7: 'SIGBUS',
  8: 'SIGFPE',
  9: 'SIGKILL',
  11: 'SIGSEGV',
  13: 'SIGPIPE',
  15: 'SIGTERM',
  24: 'SIGXCPU',
  25: 'SIGXFSZ',
  31: 'SIGSYS',
};

/** What a shell, `tini` or a container engine makes of a death by signal when it can only give a number: 128 + signal. */
export function signalOfExitCode(exitCode: number): string | undefined {
  return SIGNALS[exitCode - 128];
}
