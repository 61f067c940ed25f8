/** The pictures of docs/benchmarks.md: which there are, of what a run measured. The same run gives the same bytes. */

import { efficienciesPicture } from './pictures/efficiencies.ts'
import { latenciesPicture } from './pictures/latencies.ts'
import { linesPicture, type Point } from './pictures/lines.ts'
import type { Picture } from './pictures/picture.ts'
import { type BacklogLine, groupOf, type LatencyWorkload, type PeersResults } from './result.ts'
import { bytesText } from './words.ts'

export const PICTURES_FOLDER = 'docs/images/benchmarks'
/** Of its own maximum: the load at which latencies are shown. */
export const SHARE_SHOWN = 0.5

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
    if (line.workload !== workload || line.bytes !== bytes) continue
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
  const sizes = [...new Set(results.latencies.map(({ bytes }) => bytes))].sort((a, b) => a - b)
  return (['put', 'through'] as const).flatMap((workload) =>
    sizes.flatMap((bytes) => {
      const lines = results.latencies.filter(
        (line) => line.workload === workload && line.bytes === bytes && line.share === SHARE_SHOWN,
      )
      const picture = latenciesPicture(results, {
        file: `latency-${workload}-${bytes}.svg`,
        title: `${words[workload]}, ${bytesText(bytes)}, at half of each one's maximum`,
        lines,
      })
      return picture === undefined ? [] : [picture]
    }),
  )
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
      ({ memoryBytes, waiting }) => memoryBytes / waiting,
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
      if (line.waiting > 0) pushPoint(points, line.contender, { x: line.waiting, y: value(line) })
    }
    const file = `backlog-${name}.svg`
    const picture = linesPicture(results, {
      file,
      title,
      xTitle: 'messages waiting',
      yTitle,
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
