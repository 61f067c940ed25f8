/**
 * What all parts of the comparison have in common: turns of the contenders in an order by lot, after each of
 * which the disk gets rest, so that nobody pays for what another left to be written.
 */

import type { Place } from '../../src/measure/place.ts'
import type { Raw } from '../raw.ts'
import type { Contestant } from './contestant.ts'
import type { Field } from './field.ts'
import { MANY_IN_FLIGHT, type PeersScale } from './scale.ts'
import { shuffled } from './turns.ts'

export interface PeersBench {
  readonly place: Place
  readonly raw: Raw
  readonly scale: PeersScale
  /** Those that are there. */
  readonly contenders: readonly { readonly id: string; readonly inFlightMax?: number | undefined }[]
  /** From 0 to below 1, by the seed of the run. */
  readonly random: () => number
  say(line: string): void
}

/** Whoever cannot take what waits in this time is not measured further. */
const EMPTY_SECONDS_MAX = 120

/** What `act` does with every one of these, round by round, each time in another order. */
export async function inTurns(
  bench: PeersBench,
  field: Field,
  those: readonly Contestant[],
  act: (one: Contestant, round: number) => Promise<void>,
  { rounds = bench.scale.rounds, beside }: { rounds?: number; beside?: () => Promise<void> } = {},
): Promise<void> {
  for (let round = 1; round <= rounds; round++) {
    const turns = those.map((one) => async () => {
      if (!field.has(one)) return
      bench.say(`${field.what}, round ${round} of ${rounds}: ${one.id}`)
      await field.attempt(one, async () => {
        await act(one, round)
        await one.settle(bench.scale.pauseSeconds)
      })
    })
    for (const turn of shuffled(beside ? [beside, ...turns] : turns, bench.random)) await turn()
  }
}

/** What is left of runs before is taken out. */
export async function empty(one: Contestant): Promise<void> {
  const all = { batch: MANY_IN_FLIGHT, messages: Number.MAX_SAFE_INTEGER }
  const { messages } = await one.call('drain', { ...all, secondsMax: EMPTY_SECONDS_MAX })
  if (messages > 0 && (await one.call('drain', { ...all, secondsMax: 1 })).messages > 0) {
    throw new Error(`more waits than is taken in ${EMPTY_SECONDS_MAX} s`)
  }
}
