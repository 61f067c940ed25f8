#!/usr/bin/env node
/** The `qlog` command: joins the program with this process, its streams, signals and exit code. */
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { openLog, openReader } from '../index.ts'
import { openStoreThrough } from '../server/index.ts'
import type { CommandContext } from './context.ts'
import { EXIT } from './exit-codes.ts'
import { Output } from './output.ts'
import { runProgram } from './program.ts'

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
  openLog,
  openReader,
  openStore: openStoreThrough,
  get input() {
    // A getter: touching stdin opens it, and most commands read none.
    return process.stdin
  },
  output: new Output(process.stdout, process.stderr, process.env),
  selfCommand: [process.execPath, fileURLToPath(import.meta.url)],
  interruption: listenForInterruption,
  exitCode: EXIT.fine,
}

// No timer of the log keeps a process alive, so `read --follow` would end while it waits for others.
const staysAlive = setInterval(() => {}, 0x7fff_ffff)
try {
  process.exitCode = await runProgram(process.argv.slice(2), context, process.env)
} finally {
  clearInterval(staysAlive)
}
