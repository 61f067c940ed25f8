/**
 * Long random trials, by time instead of by count: `npm run lab -- --only server --minutes N [--seed S]`.
 * The exit code is 0 where nothing went wrong; a failure says how to repeat it.
 */

import { parseArgs } from 'node:util'
import { runServerLab } from './lab/server-lab.ts'

const LABS: Readonly<Record<string, (seed: number, minutes: number) => Promise<void>>> = {
  server: runServerLab,
}
const USAGE = `usage: npm run lab -- [--only ${Object.keys(LABS).join('|')}] [--minutes N] [--seed S]\n`

interface Wanted {
  readonly names: readonly string[]
  readonly minutes: number
  readonly seed: number
}

async function main(commandArguments: readonly string[]): Promise<number> {
  const wanted = wantedOf(commandArguments)
  if (typeof wanted === 'string') {
    process.stderr.write(`lab: ${wanted}\n${USAGE}`)
    return 2
  }
  const { names, minutes, seed } = wanted
  for (const name of names) {
    console.log(`lab ${name}: seed ${seed}, ${minutes} minutes`)
    await LABS[name]?.(seed, minutes / names.length)
  }
  return 0
}

function wantedOf(commandArguments: readonly string[]): Wanted | string {
  try {
    const { values } = parseArgs({
      args: [...commandArguments],
      options: {
        only: { type: 'string' },
        minutes: { type: 'string', default: '1' },
        seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      },
    })
    const names = values.only === undefined ? Object.keys(LABS) : [values.only]
    const unknown = names.find((name) => LABS[name] === undefined)
    if (unknown !== undefined) return `there is no lab ${unknown}`
    const [minutes, seed] = [Number(values.minutes), Number(values.seed)]
    if (!(minutes > 0) || !Number.isInteger(seed)) return 'minutes and seed are numbers'
    return { names, minutes, seed }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
