/** Listens to channels while a test runs. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { onTestFinished } from 'vitest'
import type { ChannelEvents, ChannelName } from '../src/channels.ts'

/** What is published on the channel from now on, until `stop` or the end of the test. */
export class Listener<Name extends ChannelName> {
  readonly events: ChannelEvents[Name][] = []
  readonly #name: Name
  readonly #note: (event: unknown) => void

  constructor(name: Name, onEvent?: (event: ChannelEvents[Name]) => void) {
    this.#name = name
    this.#note = (event) => {
      this.events.push(event as ChannelEvents[Name])
      onEvent?.(event as ChannelEvents[Name])
    }
    subscribe(name, this.#note)
    onTestFinished(() => this.stop())
  }

  stop(): void {
    unsubscribe(this.#name, this.#note)
  }
}
