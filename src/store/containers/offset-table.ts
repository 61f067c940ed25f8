/**
 * Objects by offset, where most offsets lie close together: a small array for each cluster, so that asking
 * is an index and no hash. Pure memory.
 */

/** Small, since a lone offset costs a cluster; large enough that a walk in order seldom looks one up. */
const CLUSTER_OFFSETS = 32

interface Cluster<T> {
  readonly slots: (T | undefined)[]
  count: number
}

export class OffsetTable<T> {
  readonly #clusters = new Map<number, Cluster<T>>()
  #size = 0
  /** The cluster asked for last, which may be none: questions come in order. */
  #lastNumber = -1
  #last: Cluster<T> | undefined

  get size(): number {
    return this.#size
  }

  get(offset: number): T | undefined {
    if (this.#size === 0) return undefined
    const number = Math.floor(offset / CLUSTER_OFFSETS)
    return this.#cluster(number)?.slots[offset - number * CLUSTER_OFFSETS]
  }

  has(offset: number): boolean {
    return this.get(offset) !== undefined
  }

  set(offset: number, item: T): void {
    const number = Math.floor(offset / CLUSTER_OFFSETS)
    let cluster = this.#cluster(number)
    if (!cluster) {
      cluster = { slots: new Array<T | undefined>(CLUSTER_OFFSETS).fill(undefined), count: 0 }
      this.#clusters.set(number, cluster)
      this.#last = cluster
    }
    const slot = offset - number * CLUSTER_OFFSETS
    if (cluster.slots[slot] === undefined) {
      cluster.count++
      this.#size++
    }
    cluster.slots[slot] = item
  }

  delete(offset: number): boolean {
    const number = Math.floor(offset / CLUSTER_OFFSETS)
    const cluster = this.#cluster(number)
    const slot = offset - number * CLUSTER_OFFSETS
    if (!cluster || cluster.slots[slot] === undefined) return false
    cluster.slots[slot] = undefined
    this.#size--
    if (--cluster.count === 0) {
      this.#clusters.delete(number)
      this.#last = undefined
    }
    return true
  }

  /** Each item, those of one cluster in order of offset. `visit` may delete, and must not add. */
  forEach(visit: (item: T, offset: number) => void): void {
    for (const [number, { slots }] of this.#clusters) {
      for (let slot = 0; slot < CLUSTER_OFFSETS; slot++) {
        const item = slots[slot]
        if (item !== undefined) visit(item, number * CLUSTER_OFFSETS + slot)
      }
    }
  }

  clear(): void {
    this.#clusters.clear()
    this.#size = 0
    this.#last = undefined
  }

  #cluster(number: number): Cluster<T> | undefined {
    if (number !== this.#lastNumber) {
      this.#lastNumber = number
      this.#last = this.#clusters.get(number)
    }
    return this.#last
  }
}
