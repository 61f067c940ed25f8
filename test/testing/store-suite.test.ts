/** The store suite on each log of this repository, under a simulated machine. */
import { describe, test } from 'vitest'
import { storeConformance } from '../../src/testing/store-suite.ts'
import { MemoryWorld, SegmentWorld, SlowWorld } from './store-worlds.ts'

storeConformance({
  name: 'store on segment files',
  make: async () => new SegmentWorld(1),
  describe,
  it: test,
})

storeConformance({
  name: 'store in memory',
  make: async () => new MemoryWorld(2),
  describe,
  it: test,
  without: ['setFull', 'failNextWrite'],
})

storeConformance({
  name: 'store on a slow log',
  make: async () => new SlowWorld(3),
  describe,
  it: test,
})
