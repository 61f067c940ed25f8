/** A transaction whose body throws behind its verbs: as if none of them had been called. */
import type { Transaction } from '../../store/types/transactions.ts'
import { equal, isTrue } from './checks.ts'
import { visibleState } from './visible-state.ts'
import type { World } from './world.ts'

/** What was thrown by the body comes out as it is, and nothing that can be seen has changed. */
export async function changesNothing(world: World, body: (tx: Transaction) => void): Promise<void> {
  await world.settle()
  const before = await visibleState(world.store)
  const reason = new Error('changed my mind')
  const thrown = await world.store
    .transaction((tx) => {
      body(tx)
      throw reason
    })
    .catch((error: unknown) => error)
  isTrue(thrown === reason, 'the error of the body comes out')
  await world.settle()
  equal(await visibleState(world.store), before)
}
