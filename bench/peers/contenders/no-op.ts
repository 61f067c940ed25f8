/**
 * Keeps nothing: what is measured of it is what the measuring itself costs, the floor below which no latency
 * says anything of a contender. Its answers are promises that are resolved already. Not one of the field.
 */
import type { Contender } from '../contract.ts'
import { TAKERS } from '../takers.ts'

export const NO_OP: Contender = {
  id: 'no-op',
  name: 'nothing',
  durability: 'kernel',
  settings: 'answers at once and keeps nothing but a count',
  source: 'this benchmark',
  kind: 'embedded',
  shape: 'log',
  load: async () => ({
    version: 'this source',
    open: async () => {
      let waiting = 0
      return {
        put: async () => {
          waiting += 1
        },
        putMany: async (bodies) => {
          waiting += bodies.length
        },
        take: async (count) => {
          const taken = Math.min(count, waiting)
          waiting -= taken
          return taken
        },
        takers: TAKERS,
        close: async () => undefined,
      }
    },
  }),
}
