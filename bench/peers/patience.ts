/** The steps of a part, one after the other. Whoever fails again and again is asked no more until the part is over. */

import type { ResultLine } from './result.ts'

/** Whoever hangs each time does not take the time of all others. */
const FAILURES_MAX = 3

/** What it needs of a bench. */
interface Bench {
  readonly contenders: readonly { readonly id: string }[]
  say(line: string): void
}

export interface Step<B extends Bench> {
  /** In the words of a failure there. */
  readonly what: string
  /** The one contender that it is about. Absent: all. */
  readonly only?: string
  measure(bench: B): AsyncIterable<ResultLine>
}

/** Each step with those that have not failed too often in those before. */
export async function* withPatience<B extends Bench>(
  bench: B,
  steps: readonly Step<B>[],
): AsyncGenerator<ResultLine> {
  const failures = new Map<string, number>()
  const isGone = ({ id }: { readonly id: string }) => (failures.get(id) ?? 0) >= FAILURES_MAX
  for (const { what, only, measure } of steps) {
    const those = bench.contenders.filter(({ id }) => only === undefined || id === only)
    for (const { id } of those.filter(isGone)) {
      const reason = `it has failed ${FAILURES_MAX} times before`
      bench.say(`${id} is LEFT OUT, ${what}: ${reason}`)
      yield { kind: 'left-out', contender: id, what, reason }
    }
    const contenders = those.filter((one) => !isGone(one))
    if (contenders.length === 0) continue
    for await (const line of measure({ ...bench, contenders })) {
      if (line.kind === 'failed')
        failures.set(line.contender, (failures.get(line.contender) ?? 0) + 1)
      yield line
    }
  }
}
