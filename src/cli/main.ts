#!/usr/bin/env node
/**
 * The `qlog` command: joins the program with this process, its streams, signals and exit code. It uses the
 * global `process`: importing the module would open stdin.
 */
import { fileURLToPath } from 'node:url'
import type { CommandContext } from './context.ts'
import { EXIT } from './exit-codes.ts'
import { Output } from './output.ts'
import { runServe, serveWords } from './serve.ts'

/** Wrappers such as npm pass on a Ctrl-C that the terminal has already sent to every process. */
const SAME_SIGNAL_MS = 300

let interruption: AbortController | undefined

/** Signals are taken over only by commands that have something to finish. */
function listenForInterruption(): AbortSignal {
  if (interruption !== undefined) return interruption.signal
  const controller = new AbortController()
  interruption = controller
  let firstAtMs = 0
  const interrupt = (): void => {
    if (!controller.signal.aborted) {
      firstAtMs = performance.now()
      controller.abort()
    } else if (performance.now() - firstAtMs > SAME_SIGNAL_MS) {
      // Whoever asks twice does not want to wait for what is in flight.
      process.exit(EXIT.interrupted)
    }
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt)
  return controller.signal
}

const context: CommandContext = {
  openLog: async (directory, options) => (await import('../index.ts')).openLog(directory, options),
  openReader: async (directory, options) => {
    return (await import('../index.ts')).openReader(directory, options)
  },
  openStore: async (directory, options) => {
    return (await import('../server/index.ts')).openStoreThrough(directory, options)
  },
  get input() {
    // A getter: touching stdin opens it, and most commands read none.
    return process.stdin
  },
  output: new Output(process.stdout, process.stderr, process.env),
  selfCommand: [process.execPath, fileURLToPath(import.meta.url)],
  interruption: listenForInterruption,
  exitCode: EXIT.fine,
}

/** A server is ready sooner where nothing of the other commands is loaded. */
async function run(words: readonly string[]): Promise<number> {
  const toServe = serveWords(words)
  if (toServe !== undefined) return runServe(toServe, context, process.env)
  const { runProgram } = await import('./program.ts')
  return runProgram(words, context, process.env)
}

// No timer of the log keeps a process alive, so `read --follow` would end while it waits for others.
const staysAlive = setInterval(() => {}, 0x7fff_ffff)
try {
  process.exitCode = await run(process.argv.slice(2))
} finally {
  clearInterval(staysAlive)
}
