/** An owner that stops at one of its calls, to be woken later, for sweeps over all of them. */
import type { Machine, Opening } from './machine.ts'

/** Virtual time in which whatever is due has happened. */
const LATE_MS = 10_000

export type Moment = 'before' | 'during'

export class StoppedOwner {
  readonly opening: Opening
  readonly #machine: Machine
  readonly #life: Promise<unknown>

  constructor(machine: Machine, opening: Opening, life: Promise<unknown>) {
    this.#machine = machine
    this.opening = opening
    this.#life = life
    life.catch(() => undefined)
  }

  /** It goes on; resolves when it has ended, or was given time enough. */
  async wake(): Promise<void> {
    this.opening.process.resume()
    await Promise.race([this.#life.catch(() => undefined), this.opening.wait(LATE_MS)])
  }

  bury(): void {
    this.#machine.kill(this.opening)
    this.#machine.buryTheDead()
  }
}

/**
 * Runs `prepare`, then `act`, in whose so many-th call it stops; undefined where it makes no such call. From then
 * on the others are of another boot, so that it counts as dead.
 */
export async function stopAt(
  machine: Machine,
  opening: Opening,
  prepare: () => Promise<void>,
  act: () => Promise<void>,
  call: number,
  moment: Moment,
): Promise<StoppedOwner | undefined> {
  const { simulation } = machine
  let stopped = (): void => {}
  const stopping = new Promise<'stopped'>((resolve) => {
    stopped = () => resolve('stopped')
  })
  const life = opening.process.run(async () => {
    await prepare()
    simulation.at(simulation.callCount + call, moment, (process) => {
      if (process !== opening.process) return
      process.pause()
      stopped()
    })
    await act().catch(() => undefined)
    return 'over'
  })
  const owner = new StoppedOwner(machine, opening, life)
  const ending = await simulation.run(() => Promise.race([life, stopping]))
  simulation.clearPlans()
  if (ending !== 'stopped') return undefined
  machine.rebootForOthers()
  return owner
}

/** Opens as another owner and closes; the oracle compares what is there. */
export async function openAndClose(
  machine: Machine,
  act: (opening: Opening) => Promise<void> = async () => undefined,
): Promise<void> {
  const opening = machine.opening({ breakLock: true })
  await machine.simulation.run(() =>
    opening.process.run(async () => {
      await opening.open()
      await act(opening)
      await opening.current.close()
    }),
  )
  machine.kill(opening)
  machine.buryTheDead()
  machine.check()
}
