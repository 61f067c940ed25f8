/** What both ways of importing jobs say of those that stay where they are. */
import type { CommandContext } from '../context.ts'
import { oneLine } from '../output.ts'
import { plural } from '../text.ts'

type Output = CommandContext['output']

export function tellTooLarge(output: Output, id: number, tube: string, bytes: number): void {
  const size = `${plural(bytes, 'byte')} are more than a message of the store may have`
  output.words(`job ${id} of ${oneLine(tube)} stays where it is: ${size}`)
}

/** What the store said names the limit. */
export function tellFull(
  output: Output,
  directory: string,
  full: ReadonlyMap<string, string>,
): void {
  for (const [queue, why] of full) {
    const names = `${oneLine(directory)} ${oneLine(queue)}`
    output.words(
      `${oneLine(why)}: what is left of this tube stays where it is. Make room or raise the limit (qlog configure ${names} --messages-max none --bytes-max none), then import again.`,
    )
  }
}

/** `window`: so long from its put on its key is known, and it waits: the shorter of both. */
export function tellNotBuried(output: Output, id: number, tube: string, window: string): void {
  output.words(
    `job ${id} of ${oneLine(tube)} could not be buried, and stays: its group leases as many as its leasedMax lets. In the store it is delayed by a day, and ready then: import again when some are free, within ${window} of its put there.`,
  )
}

export function tellNotGivenBack(output: Output, id: number, tube: string): void {
  output.words(
    `job ${id} of ${oneLine(tube)} could not be given back as it was: its time to run was over before, so it is ready there, or a worker has it.`,
  )
}
