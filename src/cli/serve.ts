/**
 * `qlog serve`: a store as a beanstalkd, as a memcache-protocol queue, or both. Only the help stands here: the
 * server is loaded when there is something to serve, and with it nothing of the other commands.
 */
import type { Command } from 'commander'
import type { CommandContext } from './context.ts'
import type { ExitCode } from './exit-codes.ts'
import { SERVE_OPTIONS } from './serve/options.ts'

/**
 * The words behind `serve`, where that is the command and no help is wanted: its flags are read as
 * beanstalkd reads them, not as those of the other commands.
 */
export function serveWords(words: readonly string[]): readonly string[] | undefined {
  const at = words.findIndex((word) => !word.startsWith('-'))
  if (words[at] !== 'serve') return undefined
  const rest = words.slice(at + 1)
  return rest.includes('--help') || rest.includes('-h') ? undefined : rest
}

/** For the help only: a run goes past commander. */
export function registerServe(program: Command, _context: CommandContext): void {
  const command = program
    .command('serve')
    .summary('a beanstalkd, or a memcache-protocol queue')
    .description(
      'Serves the store in a directory to clients of beanstalkd, of memcache, or both at once: what one protocol puts, the other may take. An answer means that it is on disk. With beanstalkd’s own flags and -b instead of a directory it takes the place of that binary in a service file. SIGTERM answers what was accepted and ends; SIGUSR1 refuses further puts.',
    )
    .argument('[DIR]', 'directory of the store, made where it is missing; or -b')
    .addHelpText('before', EXAMPLES)
    .addHelpText('after', END_CODES)
  for (const { flags, help } of SERVE_OPTIONS) command.option(flags, help)
}

const EXAMPLES = `Examples:
  $ qlog serve ./data --beanstalkd --memcache
      both protocols, for this machine
  $ qlog serve ./data --beanstalkd :11300 --metrics :9464
      for every machine that reaches this one, and metrics
  $ qlog serve --beanstalkd -b /var/lib/queue -l 127.0.0.1 -p 11300
      as a service file starts beanstalkd
`

const END_CODES = `
Exit codes besides those of every command:
  111  cannot listen
  10   locked, and 5 wrong words: where -b stands instead of a directory`

/** Serves until it is told to stop. Never rejects. */
export async function runServe(
  words: readonly string[],
  context: CommandContext,
  environment: NodeJS.ProcessEnv,
): Promise<ExitCode> {
  const { serve } = await import('./serve/begin.ts')
  return serve(words, context, environment)
}
