/**
 * Reads the words of `qlog serve`, serves, and tells how that ended. The build makes one file of this and
 * all it needs (tools/bundle-serve.mjs): loading hundreds would take longer than all the rest of a start.
 */
import type { CommandContext } from '../context.ts'
import type { ExitCode } from '../exit-codes.ts'
import { EXIT, exitCodeOf } from '../exit-codes.ts'
import { explainError } from '../report-error.ts'
import { packageVersion } from '../version.ts'
import { readServeWords, ServeUsageError, type ServeWish } from './plan.ts'
import { runPlan } from './run.ts'
import { ServeLog } from './serve-log.ts'

/** beanstalkd ends with this number where its words are wrong. */
const WRONG_AS_BEANSTALKD = 5

/** Where its flags were used, its exit codes stand in place of ours. */
const AS_BEANSTALKD: ReadonlyMap<ExitCode, ExitCode> = new Map<ExitCode, ExitCode>([
  [EXIT.usage, WRONG_AS_BEANSTALKD],
  [EXIT.locked, EXIT.lockedAsBeanstalkd],
])

/** Serves until it is told to stop. Never rejects. */
export async function serve(
  words: readonly string[],
  context: CommandContext,
  environment: NodeJS.ProcessEnv,
): Promise<ExitCode> {
  const { output } = context
  let wish: ServeWish
  try {
    wish = readServeWords(words, environment, process.pid)
  } catch (error) {
    if (!(error instanceof ServeUsageError)) throw error
    output.words(`qlog: ${error.message}`)
    output.words('Run `qlog serve --help` for examples.')
    return error.isDropIn ? WRONG_AS_BEANSTALKD : EXIT.usage
  }
  if (wish.kind === 'help') {
    output.words('Run `qlog serve --help`.')
    return EXIT.fine
  }
  if (wish.kind === 'version') {
    output.data(`qlog ${packageVersion()}\n`)
    await output.flush()
    return EXIT.fine
  }
  const { plan } = wish
  const log = new ServeLog((line) => output.words(line), plan.isVerbose)
  try {
    const ended = await runPlan(plan, packageVersion(), () => context.interruption(), log)
    return ended === 'failed' ? EXIT.unexpected : EXIT.fine
  } catch (error) {
    const exitCode = exitCodeOf(error)
    // Whoever stops it before it is open knows that.
    if (exitCode === EXIT.interrupted) return EXIT.fine
    const { code, remedy } = explainError(error)
    log.failed('cannot-serve', 'ends', error, code === '' ? {} : { remedy })
    if (!plan.isDropIn) return exitCode
    return AS_BEANSTALKD.get(exitCode) ?? exitCode
  }
}
