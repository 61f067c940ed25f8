/** What a log on a full disk must hold, known from what its writers said (`fixtures/filling-writer.mjs`). */
import { AcknowledgedMessages, mixedBodyOf } from './acknowledged-messages.ts'
import { verifySound } from './verify-sound.ts'

export class FullLogOracle {
  readonly acknowledged = new AcknowledgedMessages(mixedBodyOf)
  /** Ids below may be gone. */
  #floor = 1

  hear(round: number, line: string): void {
    const [word, id, number] = line.split(' ')
    if (word === 'ack') this.acknowledged.add(Number(id), round, Number(number))
  }

  /** The end of this share of what is there, which may go from now on. */
  discard(share: number): number {
    const ids = this.acknowledged.ids().filter((id) => id >= this.#floor)
    this.#floor = Math.max(this.#floor, ids[Math.floor(ids.length * share)] ?? 1)
    return this.#floor
  }

  /** Reads the whole log. Throws where one is missing that must be there, wrong or made up. */
  async verify(directory: string): Promise<void> {
    await verifySound(directory)
    await this.acknowledged.verify(directory, (id) => id >= this.#floor)
  }
}
