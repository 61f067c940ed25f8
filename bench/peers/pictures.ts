/** The pictures of docs/benchmarks.md: which there are, of what a run measured. The same run gives the same bytes. */

import { efficienciesPicture } from './pictures/efficiencies.ts'
import { latenciesPicture } from './pictures/latencies.ts'
import { linesPicture, type Point } from './pictures/lines.ts'
import type { Picture } from './pictures/picture.ts'
import {
  type BacklogLine,
  groupOf,
  type LatencyLine,
  type LatencyWorkload,
  MEMORY_NOISE_BYTES,
  type PeersResults,
} from './result.ts'
import { isPartOf, latencyWhat, loadWhat, offeredText, shareText } from './what.ts'
import { bytesText, countText, figureText, sizeText } from './words.ts'

export const PICTURES_FOLDER = 'docs/images/benchmarks'
/** Messages a second: the load whose pictures of latencies come first. */
const RATE_SHOWN = 1000

/** Pictures by the section of the page that shows them; of what was not measured there is none. */
export interface Pictures {
  readonly throughput: readonly Picture[]
  readonly latency: readonly Picture[]
  readonly backlog: readonly Picture[]
  readonly efficiency: readonly Picture[]
}

export function allPicturesOf(results: PeersResults): Picture[] {
  const { throughput, latency, backlog, efficiency } = picturesOf(results)
  return [...throughput, ...latency, ...backlog, ...efficiency]
}

export function picturesOf(results: PeersResults): Pictures {
  const sizes = [...new Set(results.rates.map(({ bytes }) => bytes))].sort((a, b) => a - b)
  const efficiency = efficienciesPicture(results)
  return {
    throughput: sizes.flatMap((bytes) => [
      ...(throughputOf(results, 'put', bytes) ?? []),
      ...(throughputOf(results, 'batch', bytes) ?? []),
    ]),
    latency: latencyPicturesOf(results),
    backlog: backlogPicturesOf(results),
    efficiency: efficiency === undefined ? [] : [efficiency],
  }
}

function throughputOf(
  results: PeersResults,
  workload: 'put' | 'batch',
  bytes: number,
): Picture[] | undefined {
  const points = new Map<string, Point[]>()
  for (const line of results.rates) {
    if (line.workload !== workload || line.bytes !== bytes || line.batches) continue
    pushPoint(points, line.contender, { x: groupOf(line), y: line.rate })
  }
  const how = workload === 'put' ? 'one promise each' : 'one promise a batch'
  const picture = linesPicture(results, {
    file: `throughput-${workload}-${bytes}.svg`,
    title: `Messages of ${bytesText(bytes)} a second, ${how}`,
    xTitle: workload === 'put' ? 'messages in flight' : 'messages a batch',
    yTitle: 'messages a second',
    points,
  })
  return picture && [picture]
}

function latencyPicturesOf(results: PeersResults): Picture[] {
  const words: Readonly<Record<LatencyWorkload, string>> = {
    put: 'How long a put takes',
    through: 'How long a message takes from put to take',
  }
  return loadsOf(results.latencies).flatMap(({ name, load, words: loadWords, isOf }) =>
    (['put', 'through'] as const).flatMap((workload) => {
      const lines = results.latencies.filter((line) => line.workload === workload && isOf(line))
      const [first] = lines
      const picture = latenciesPicture(results, {
        file: `latency-${workload}-${name}.svg`,
        title: `${words[workload]}, ${bytesText(first?.bytes ?? 0)}, ${load}`,
        lines,
        failed: failedOf(results, workload, loadWords).filter(
          (id) => !lines.some(({ contender }) => contender === id),
        ),
        isOfTakes: workload === 'through',
      })
      return picture === undefined ? [] : [picture]
    }),
  )
}

/** Who failed at this load, or before any. */
function failedOf({ failures }: PeersResults, workload: LatencyWorkload, load: string): string[] {
  const all = latencyWhat(workload)
  return failures
    .filter(({ what }) => {
      const isOfOneLoad = what.startsWith(`${all} at `)
      return isOfOneLoad ? what === loadWhat(workload, load) : isPartOf(all, what)
    })
    .map(({ contender }) => contender)
}

interface LoadShown {
  /** For names of files. */
  readonly name: string
  readonly load: string
  /** In the words of a failure. */
  readonly words: string
  isOf(line: LatencyLine): boolean
}

/** Rates that are the same for all first, the one that is shown before the others. */
function loadsOf(latencies: readonly LatencyLine[]): LoadShown[] {
  const distanceOf = (rate: number) => Math.abs(Math.log(rate / RATE_SHOWN))
  const rates = latencies.flatMap(({ rate, share }) => (share === undefined ? [rate] : []))
  const shares = latencies.flatMap(({ share }) => (share === undefined ? [] : [share]))
  return [
    ...[...new Set(rates)]
      .sort((a, b) => distanceOf(a) - distanceOf(b) || a - b)
      .map((offered) => ({
        name: `at-${offered}`,
        load: `at ${countText(offered)} a second`,
        words: offeredText(offered),
        isOf: ({ rate, share }: LatencyLine) => share === undefined && rate === offered,
      })),
    ...[...new Set(shares)]
      .sort((a, b) => a - b)
      .map((offered) => ({
        name: `share-${offered * 100}`,
        load: `at ${figureText(offered * 100)} % of each one's maximum`,
        words: shareText(offered),
        isOf: ({ share }: LatencyLine) => share === offered,
      })),
  ]
}

function backlogPicturesOf(results: PeersResults): Picture[] {
  const curves: readonly (readonly [
    name: string,
    title: string,
    yTitle: string,
    value: (line: BacklogLine) => number,
  ])[] = [
    ['put', 'Puts a second while many wait', 'messages a second', ({ putRate }) => putRate],
    ['take', 'Takes a second while many wait', 'messages a second', ({ takeRate }) => takeRate],
    [
      'memory',
      'Memory a waiting message',
      'bytes a message',
      ({ memoryBytes, waiting }) => Math.max(memoryBytes, MEMORY_NOISE_BYTES) / waiting,
    ],
    [
      'disk',
      'Disk a waiting message',
      'bytes a message',
      ({ diskBytes, waiting }) => diskBytes / waiting,
    ],
  ]
  return curves.flatMap(([name, title, yTitle, value]) => {
    const points = new Map<string, Point[]>()
    for (const line of results.backlogs) {
      // The logarithm of an empty store is nowhere.
      if (line.waiting <= 0) continue
      const isAtMost = name === 'memory' && line.memoryBytes < MEMORY_NOISE_BYTES
      const point = { x: line.waiting, y: value(line), ...(isAtMost && { isAtMost }) } as const
      pushPoint(points, line.contender, point)
    }
    const file = `backlog-${name}.svg`
    const picture = linesPicture(results, {
      file,
      title,
      xTitle: 'messages waiting',
      yTitle,
      isOfTakes: name === 'take',
      atMostText: `An arrow down: all together less than ${sizeText(MEMORY_NOISE_BYTES)}, which is drawn, since less tells nothing.`,
      points,
    })
    return picture === undefined ? [] : [picture]
  })
}

function pushPoint(points: Map<string, Point[]>, contender: string, point: Point): void {
  const there = points.get(contender)
  if (there === undefined) points.set(contender, [point])
  else there.push(point)
}
