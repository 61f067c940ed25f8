/** `bench space`: what stores of known workloads take of the disk, beside what they may take. */
import { isCount, readOptions, refuse } from '../command-line.ts'
import { openPlace } from '../place.ts'
import type { Bound } from './disk-use.ts'
import { RealGround } from './ground.ts'
import { type Measured, measureSpace } from './measure.ts'
import { WORKLOADS } from './workloads.ts'

export const SPACE_USAGE = 'space [--json] [--rounds N] [--only WORD]'

const MIB = 1024 * 1024

/** 0; 1 where a bound is exceeded or a message is missing; 2 where the arguments make no sense. */
export async function runSpace(
  commandArguments: readonly string[],
  facts: Record<string, unknown>,
): Promise<number> {
  const options = {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    only: { type: 'string', default: '' },
  } as const
  const wanted = readOptions(commandArguments, options, ({ json, only, rounds: text }) => {
    const rounds = text === undefined ? undefined : Number(text)
    if (rounds !== undefined && !isCount(rounds)) return 'rounds are a count'
    const workloads = WORKLOADS.filter(({ name, met }) => `${met} ${name}`.includes(only))
    return workloads.length === 0 ? `no workload has ${only} in it` : { json, rounds, workloads }
  })
  if (typeof wanted === 'string') return refuse(wanted, SPACE_USAGE)
  const { json, rounds, workloads } = wanted
  const place = openPlace()
  const header = { bench: 'space', ...facts }
  console.log(json ? JSON.stringify(header) : `${JSON.stringify(header)}\n\n${tableHead()}`)
  let exitCode = 0
  for (const workload of workloads) {
    process.stderr.write(`bench: ${workload.met} ...\n`)
    const ground = new RealGround(place.nextLog())
    const measured = await measureSpace(ground, workload, rounds ?? workload.rounds)
    console.log(json ? JSON.stringify(measured) : tableRows(measured))
    if (!isWithin(measured)) exitCode = 1
  }
  return exitCode
}

function isWithin({ compacted, reopened, storeMessages }: Measured): boolean {
  const isBound = ({ diskBytes, boundBytes }: Bound): boolean => diskBytes <= boundBytes
  return isBound(compacted) && isBound(reopened) && storeMessages === reopened.liveMessages
}

const COLUMNS = [38, 18, 9, 9, 9, 9, 9, 9, 9, 9] as const

function tableHead(): string {
  const titles = ['workload', '', 'live', 'segments', 'spares', 'reserve', 'disk', 'bound', 'ratio']
  return `${tableLine([...titles, 'peak'])}\n(MiB; ratio = disk of bound; peak without compact())`
}

function tableRows(measured: Measured): string {
  const { workload, met, peakBytes } = measured
  const peak = mib(Math.max(...peakBytes))
  return [
    tableLine([workload, met, ...cellsOf(measured.compacted), peak]),
    tableLine(['', 'reopened', ...cellsOf(measured.reopened)]),
  ].join('\n')
}

function cellsOf(bound: Bound): string[] {
  const { liveBytes, segmentFileBytes, spareBytes, reserveBytes, diskBytes, boundBytes } = bound
  const sizes = [liveBytes, segmentFileBytes, spareBytes, reserveBytes, diskBytes, boundBytes]
  return [...sizes.map(mib), (diskBytes / boundBytes).toFixed(2)]
}

function mib(bytes: number): string {
  return (bytes / MIB).toFixed(2)
}

function tableLine(cells: readonly string[]): string {
  return cells
    .map((cell, column) =>
      column === 0 ? cell.padEnd(COLUMNS[0]) : cell.padStart(COLUMNS[column] ?? 0),
    )
    .join('')
    .trimEnd()
}
