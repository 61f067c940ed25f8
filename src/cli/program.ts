/**
 * The command line as a whole: one place where every command is registered, and how a run of it
 * ends. Touches nothing itself; everything comes with the context.
 */
import { Command, CommanderError } from 'commander'
import { registerAppend } from './append.ts'
import { registerBackup, registerRestore } from './backup.ts'
import { registerBench } from './bench.ts'
import { registerConfigure } from './configure.ts'
import type { CommandContext } from './context.ts'
import { examples } from './context.ts'
import { registerDoctor } from './doctor.ts'
import { registerDump } from './dump.ts'
import type { ExitCode } from './exit-codes.ts'
import { EXIT, exitCodeOf } from './exit-codes.ts'
import { registerExplain } from './explain.ts'
import { registerExport } from './export.ts'
import { registerGroup } from './group.ts'
import { registerGroups } from './groups.ts'
import { registerImport } from './import.ts'
import { registerList } from './list.ts'
import { registerMove } from './move.ts'
import { registerPeek } from './peek.ts'
import { registerProve } from './prove.ts'
import { registerProveProducer } from './prove-producer.ts'
import { registerPurge } from './purge.ts'
import { registerPut } from './put.ts'
import { registerQueues } from './queues.ts'
import { registerRead } from './read.ts'
import { registerRecover } from './recover.ts'
import { registerRedrive } from './redrive.ts'
import { reportError } from './report-error.ts'
import { registerScrub } from './scrub.ts'
import { registerSeek } from './seek.ts'
import { registerSegments } from './segments.ts'
import { registerServe, runServe, serveWords } from './serve.ts'
import { registerStats } from './stats.ts'
import {
  registerCompact,
  registerDelete,
  registerKick,
  registerPause,
  registerResume,
} from './store-changes.ts'
import { registerTake } from './take.ts'
import { registerTop } from './top.ts'
import { registerVerify } from './verify.ts'
import { packageVersion } from './version.ts'

type Register = (program: Command, context: CommandContext) => void

/** In the order in which `qlog --help` shows them, under their headings. */
const COMMANDS: readonly (readonly [heading: string, registers: readonly Register[]])[] = [
  [
    'Queues, also of a store that another process holds:',
    [
      registerPut,
      registerTake,
      registerQueues,
      registerGroups,
      registerTop,
      registerPeek,
      registerList,
      registerKick,
      registerRedrive,
      registerMove,
      registerSeek,
      registerConfigure,
      registerGroup,
      registerPause,
      registerResume,
      registerDelete,
      registerPurge,
      registerCompact,
      registerExport,
      registerImport,
    ],
  ],
  ['Servers:', [registerServe]],
  ['Logs:', [registerAppend, registerRead]],
  [
    'Files, whoever uses them:',
    [
      registerStats,
      registerSegments,
      registerVerify,
      registerScrub,
      registerExplain,
      registerDump,
      registerRecover,
      registerBackup,
      registerRestore,
    ],
  ],
  ['This machine:', [registerProve, registerDoctor, registerBench, registerProveProducer]],
]

/** Runs one command line (without the program's own name) to its end. Never rejects. */
export async function runProgram(
  words: readonly string[],
  context: CommandContext,
  environment: NodeJS.ProcessEnv,
): Promise<ExitCode> {
  const toServe = serveWords(words)
  if (toServe !== undefined) return runServe(toServe, context, environment)
  let exitCode: ExitCode
  let told: unknown
  try {
    await buildProgram(context).parseAsync(words, { from: 'user' })
    exitCode = context.exitCode
  } catch (error) {
    told = error
    exitCode = endOf(error, context, environment)
  }
  context.output.progress(undefined)
  try {
    await context.output.flush()
  } catch (error) {
    // An exit code that says more stays, but nobody has read the words that went with it.
    const code = error === told ? exitCode : endOf(error, context, environment)
    exitCode = exitCode === EXIT.fine ? code : exitCode
  }
  return exitCode
}

function endOf(error: unknown, context: CommandContext, environment: NodeJS.ProcessEnv): ExitCode {
  // Commander has written its words already: help, the version, or what was wrong with the usage.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.fine : EXIT.usage
  reportError(context.output, error, environment)
  return exitCodeOf(error)
}

/** Builds the tree of commands; subcommands inherit what is configured before they are added. */
export function buildProgram(context: CommandContext): Command {
  const program = new Command('qlog')
    .description(
      'Durable queues and logs in a directory: put, take, append, read, look into the files.',
    )
    .version(packageVersion(), '-V, --version', 'print the version')
    .option('--no-color', 'no colour, even on a terminal')
    .configureHelp({ subcommandTerm: (command) => command.name() })
    .exitOverride()
    .showSuggestionAfterError()
    .showHelpAfterError('Run `qlog --help` for examples.')
    .configureOutput({
      writeOut: (text) => void context.output.data(text),
      writeErr: (text) => context.output.wordsRaw(text),
      outputError: (text, write) => write(text.replace(/^error: /, 'qlog: ')),
      getOutHelpWidth: () => context.output.columns,
      getErrHelpWidth: () => context.output.columns,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .addHelpText(
      'before',
      examples(
        ['qlog put ./data orders "3 pears" --ids', 'put a message; print its id once durable'],
        ['qlog take ./data orders --ack', 'print the next message, and finish it'],
        ['printf "hello\\n" | qlog append ./log --ids', 'a log without queues: append a line'],
        ['qlog read ./log --json', 'read everything back, one JSON line a message'],
        ['qlog doctor ./log', 'what this file system and disk can promise'],
        ['qlog prove ./scratch', 'kill a writer again and again; is anything lost?'],
      ),
    )
    .addHelpText('after', `\n${EXIT_CODE_HELP}`)
  for (const [heading, registers] of COMMANDS) {
    program.commandsGroup(heading)
    for (const register of registers) register(program, context)
  }
  for (const command of program.commands) {
    command
      .option('--no-color', 'no colour, even on a terminal')
      .showHelpAfterError(`Run \`qlog ${command.name()} --help\` for examples.`)
      .hook('preAction', () => {
        const refused = command.opts()['color'] === false || program.opts()['color'] === false
        if (refused) context.output.refuseColour()
      })
  }
  return program
}

const EXIT_CODE_HELP = `Exit codes:
  0  fine          3  rot in acknowledged data     6  not a log, or newer
  1  unexpected    4  torn tail only               7  an import left jobs behind
  2  usage         5  locked by another process    8  a queue is full, or in use
                 111  cannot listen              130  interrupted`
