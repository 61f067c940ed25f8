/** The lives of owners that trials crash and fail at every call, and how they are prepared. */
import { BACKUP_LIVES } from '../../../test/inspect/backup-lives.ts'
import { KEEPER_LIVES } from '../../../test/log/keeper-lives.ts'
import type { DurableWrites } from '../../../test/simulation/exhaustive.ts'
import { CrashedLife, type Life } from '../../../test/simulation/lives.ts'
import { storeLives } from '../../../test/store/store-lives.ts'

/** What of a prepared life is needed, whatever its owner knows. */
export type Crashed = Pick<CrashedLife<unknown>, 'runs' | 'calls' | 'crash' | 'states' | 'fail'> & {
  readonly name: string
}

/** One after the other, each in both ways of making writes durable. */
export async function* preparedLives(): AsyncGenerator<Crashed> {
  for (const life of KEEPER_LIVES) yield* prepared(life)
  for (const life of BACKUP_LIVES) yield* prepared(life)
  for (const life of storeLives()) {
    await life.learn()
    yield* prepared(life)
  }
}

async function* prepared<Known>(life: Life<Known>): AsyncGenerator<Crashed> {
  for (const durableWrites of ['dsync', 'flush'] as const satisfies readonly DurableWrites[]) {
    const crashed = new CrashedLife(life, durableWrites)
    await crashed.prepare()
    yield crashed
  }
}
