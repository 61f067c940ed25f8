/** Reads what `npm run bench -- peers` printed, as far as it came. Pure. */

import { keyOf, type PeersHeader, type PeersResults, type ResultLine } from './result.ts'

const KINDS: readonly ResultLine['kind'][] = [
  'raw',
  'rate',
  'latency',
  'backlog',
  'reopen',
  'failed',
  'left-out',
  'end',
]

/**
 * The run in these JSON lines. Lines of two runs, and two lines about the same thing, are a mistake; a last line
 * that breaks off is that of a run that was stopped, and is passed over.
 */
export function resultsOf(jsonLines: string): PeersResults {
  const written = jsonLines.split('\n').filter((line) => line.startsWith('{'))
  const isBroken = !jsonLines.endsWith('\n') && !isJson(written.at(-1) ?? '')
  const [header, ...lines] = (isBroken ? written.slice(0, -1) : written).map((line): unknown =>
    JSON.parse(line),
  )
  if (!isHeader(header)) throw new Error('this does not begin with what a run of peers prints')
  const known = new Set(header.contenders.map(({ id }) => id))
  const seen = new Set<string>()
  for (const line of lines) {
    if (!isLine(line)) throw new Error(`no result of peers: ${JSON.stringify(line).slice(0, 120)}`)
    if ('contender' in line && !known.has(line.contender))
      throw new Error(`the header does not name ${line.contender}`)
    const identity = identityOf(line)
    if (seen.has(identity)) throw new Error(`there twice: ${identity}`)
    seen.add(identity)
  }
  const results = lines as ResultLine[]
  const end = results.find((line) => line.kind === 'end')
  return {
    header,
    raws: results.filter((line) => line.kind === 'raw'),
    rates: results.filter((line) => line.kind === 'rate'),
    latencies: results.filter((line) => line.kind === 'latency'),
    backlogs: results.filter((line) => line.kind === 'backlog'),
    reopenings: results.filter((line) => line.kind === 'reopen'),
    failures: results.filter((line) => line.kind === 'failed'),
    leftOut: results.filter((line) => line.kind === 'left-out'),
    ...(end !== undefined && { end }),
  }
}

function isJson(line: string): boolean {
  try {
    JSON.parse(line)
    return true
  } catch {
    return false
  }
}

function isHeader(line: unknown): line is PeersHeader {
  const fields = Object(line)
  return (
    Reflect.get(fields, 'bench') === 'peers' && Array.isArray(Reflect.get(fields, 'contenders'))
  )
}

function isLine(line: unknown): line is ResultLine {
  const kind: unknown = Reflect.get(Object(line), 'kind')
  return KINDS.some((known) => known === kind)
}

function identityOf(line: ResultLine): string {
  if (line.kind === 'raw') return `raw ${line.groupBytes} ${line.cell}`
  if (line.kind === 'rate') return keyOf(line)
  if (line.kind === 'latency') {
    const load = line.share === undefined ? `${line.rate}/s` : `${line.share}`
    return `latency ${line.contender} ${line.workload} ${line.bytes} ${load}`
  }
  if (line.kind === 'end') return line.kind
  if (line.kind === 'failed' || line.kind === 'left-out')
    return `${line.kind} ${line.contender} ${line.what}`
  return `${line.kind} ${line.contender} ${line.waiting}`
}
