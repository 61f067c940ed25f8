/**
 * Keeps nothing: what is measured of it is what the measuring itself costs, the floor below which no latency
 * says anything of a contender. Not one of the field.
 */
import type { Contender } from '../contract.ts'

export const NO_OP: Contender = {
  id: 'no-op',
  name: 'nothing',
  durability: 'kernel',
  settings: 'answers in the next turn of the event loop and keeps nothing but a count',
  source: 'this benchmark',
  kind: 'embedded',
  shape: 'log',
  load: async () => ({
    version: 'this source',
    open: async () => {
      let waiting = 0
      return {
        put: async () => {
          await nextTurn()
          waiting += 1
        },
        putMany: async (bodies) => {
          await nextTurn()
          waiting += bodies.length
        },
        take: async (count) => {
          await nextTurn()
          const taken = Math.min(count, waiting)
          waiting -= taken
          return taken
        },
        close: async () => undefined,
      }
    },
  }),
}

function nextTurn(): Promise<void> {
  return new Promise(setImmediate)
}
