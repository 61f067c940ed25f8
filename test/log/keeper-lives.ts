/**
 * Lives of an owner that saves its state: into the log, with parts that did not change, with messages that go
 * and segments that are merged, and into an index at its close.
 */
import type { System } from '../../src/system/system.ts'
import type { Life } from '../simulation/lives.ts'
import { Keeper } from './keeper.ts'

/** Words that are durable, and those that may be: the one on its way too. */
export interface KnownWords {
  durable: string
  possible: string
}

export async function put(
  keeper: Keeper,
  known: KnownWords,
  name: string,
  word: string,
): Promise<void> {
  const row = `${name}:${word}`
  known.possible = `${known.durable} ${row}`
  await keeper.put(name, word, 2_500)
  known.durable = known.possible
}

/** In the order of their words, which are numbers. */
export function historyOf(keeper: Keeper): string {
  const rows = [...keeper.words].flatMap(([name, words]) =>
    words.map((word) => [Number(word), `${name}:${word}`] as const),
  )
  return ['', ...rows.sort((a, b) => a[0] - b[0]).map(([, row]) => row)].join(' ')
}

/** Two snapshots, and messages that have retired. */
export async function prepareWords(system: System, known: KnownWords): Promise<void> {
  const keeper = await Keeper.open(system)
  for (let word = 1; word <= 8; word++) await put(keeper, known, word % 2 ? 'a' : 'b', `${word}`)
  await keeper.save([], { whole: true })
  await put(keeper, known, 'a', '9')
  keeper.discardAll()
  await keeper.save([], { whole: true })
}

/** Three saves, a compaction and a close. */
export async function saveWords(system: System, known: KnownWords): Promise<void> {
  const keeper = await Keeper.open(system)
  await put(keeper, known, 'a', '10')
  await keeper.save([], { whole: true })
  await put(keeper, known, 'b', '11')
  keeper.discardAll()
  await keeper.save([], { whole: true })
  await keeper.log.compact()
  await put(keeper, known, 'c', '12')
  await keeper.save(['b'])
  await keeper.log.close()
}

/** What is found must be what is known, and a further life goes on with it. */
export async function checkWords(system: System, known: KnownWords, round: number): Promise<void> {
  const keeper = await Keeper.open(system)
  const found = historyOf(keeper)
  if (![known.durable, known.possible].includes(found)) {
    throw new Error(`found "${found}", and "${known.durable}" was durable`)
  }
  known.durable = found
  await put(keeper, known, 'b', `${20 + round}`)
  await keeper.save(round === 1 ? [] : ['a'], { whole: round === 1 })
  keeper.discardAll()
  if (round === 2) await keeper.log.close()
}

function life(
  name: string,
  act: Life<KnownWords>['act'],
  prepare: Life<KnownWords>['prepare'] = prepareWords,
): Life<KnownWords> {
  return {
    name,
    begin: () => ({ durable: '', possible: '' }),
    copy: (known) => ({ ...known }),
    prepare,
    act,
    check: checkWords,
  }
}

export const KEEPER_LIVES: readonly Life<KnownWords>[] = [
  life('three saves, a compaction and a close', saveWords),
  life(
    'the first save of all',
    async (system, known) => {
      const keeper = await Keeper.open(system)
      await put(keeper, known, 'a', '1')
      await keeper.save([], { whole: true })
      await put(keeper, known, 'b', '2')
      await keeper.save(['a'], { whole: true })
    },
    async () => undefined,
  ),
  life('a checkpoint at close, twice', async (system, known) => {
    for (const word of ['10', '11']) {
      const keeper = await Keeper.open(system)
      await put(keeper, known, 'a', word)
      await keeper.save()
      await keeper.log.close()
    }
  }),
]
