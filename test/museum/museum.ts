/** What the exhibits share: a killed log on a simulated disk, to be harmed, opened and read. */
import type { Gap } from '../../src/errors.ts'
import { openPublicLog } from '../../src/log/open.ts'
import type { Log, LogOptions } from '../../src/log/types.ts'
import type { SimulatedDisk } from '../../src/system/simulated/disk.ts'
import { Simulation } from '../../src/system/simulated/simulation.ts'

const LOG = '/log'
const SMALL = { segmentBytesMin: 16_384, segmentBytesMax: 16_384, idleSyncMs: 0 } as const

export class Exhibit {
  readonly bodies = new Map<number, string>()
  #simulation = new Simulation({ seed: 1 })
  #process = this.#simulation.process('owner')

  get disk(): SimulatedDisk {
    return this.#simulation.disk
  }

  /** Names of the log's segments, oldest first. */
  segments(): string[] {
    return this.names((name) => name.endsWith('.qls'))
  }

  indexes(): string[] {
    return this.names((name) => name.startsWith('index.'))
  }

  names(isOne: (name: string) => boolean): string[] {
    return this.disk.list(LOG).filter(isOne).sort()
  }

  bytesOf(name: string): Uint8Array {
    return this.disk.readFile(`${LOG}/${name}`).slice()
  }

  put(name: string, bytes: Uint8Array): void {
    this.disk.putFile(`${LOG}/${name}`, bytes)
  }

  change(name: string, change: (bytes: Uint8Array) => Uint8Array): void {
    this.put(name, change(this.bytesOf(name)))
  }

  remove(names: readonly string[]): void {
    const kept = new Map([...this.disk.tree()])
    this.#simulation = new Simulation({ seed: 1 })
    for (const [path, bytes] of kept) {
      if (!names.some((name) => path === `${LOG}/${name}`)) this.disk.putFile(path, bytes)
    }
  }

  /** A new process opens the log, does this, and is killed unless it closed. */
  async life<T>(act: (log: Log) => Promise<T>, options: LogOptions = {}): Promise<T> {
    const simulation = this.#simulation
    this.#process = simulation.process('owner')
    const owner = this.#process
    return simulation.run(async () => {
      try {
        return await act(await openPublicLog(owner, LOG, { ...SMALL, ...options }))
      } finally {
        simulation.kill(owner)
      }
    })
  }

  /** Appends messages that say their number, one after the other. */
  async append(log: Log, count: number, bytes = 1_500): Promise<void> {
    for (let i = 0; i < count; i++) {
      const body = `${log.nextId}:`.padEnd(bytes, `<${log.nextId}>`)
      this.bodies.set(await log.append(body), body)
    }
  }

  /** Everything that is delivered, which must be what was appended, and what is told as lost. */
  async read(log: Log): Promise<{ delivered: number[]; gaps: Gap[] }> {
    const delivered: number[] = []
    const gaps: Gap[] = []
    for await (const batch of log.readBatches({ onGap: (gap) => gaps.push(gap) })) {
      for (const { id, body } of batch) {
        if (Buffer.from(body).toString() !== this.bodies.get(id)) throw new Error(`wrong: ${id}`)
        delivered.push(id)
      }
    }
    return { delivered, gaps }
  }

  idsBut(lost: readonly number[]): number[] {
    return [...this.bodies.keys()].filter((id) => !lost.includes(id))
  }
}

export function lostIds(gaps: readonly Gap[]): number[] {
  return gaps.flatMap(({ firstId, endId }) =>
    Array.from({ length: endId - firstId }, (_, i) => firstId + i),
  )
}
