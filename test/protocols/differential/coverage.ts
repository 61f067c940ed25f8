/** Which replies were seen from both servers, as a table of command and reply. Pure. */

import { NO_COMMAND, REPLIES, whyUnreachable } from './commands.ts'

export class Coverage {
  readonly #seen = new Map<string, Map<string, number>>()
  #idsCompared = 0
  #idsDifferent = 0

  note(command: string, reply: string): void {
    const replies = this.#seen.get(command) ?? new Map<string, number>()
    this.#seen.set(command, replies)
    replies.set(reply, (replies.get(reply) ?? 0) + 1)
  }

  noteIds(left: string, right: string): void {
    this.#idsCompared++
    if (left !== right) this.#idsDifferent++
  }

  /** Replies that the documents promise and that nobody saw, one a line. */
  missing(): string[] {
    return Object.entries(REPLIES).flatMap(([command, replies]) =>
      replies
        .filter((reply) => this.#count(command, reply) === 0)
        .filter((reply) => whyUnreachable(command, reply) === undefined)
        .map((reply) => `${command}: ${reply}`),
    )
  }

  /** Replies that were seen though the documents know nothing of them. */
  unforeseen(): string[] {
    return [...this.#seen]
      .filter(([command]) => command !== 'end')
      .flatMap(([command, replies]) =>
        [...replies.keys()]
          .filter((reply) => REPLIES[command]?.includes(reply) !== true)
          // Any line may be one that cannot be read.
          .filter((reply) => reply !== 'UNKNOWN_COMMAND' || command !== NO_COMMAND)
          .map((reply) => `${command}: ${reply}`),
      )
  }

  table(): string {
    const rows = Object.entries(REPLIES).map(([command, replies]) => {
      const cells = replies.map((reply) => `${reply} ${this.#cell(command, reply)}`)
      return `  ${command.padEnd(22)}${cells.join(', ')}`
    })
    const ids = `  job ids: ${this.#idsCompared} compared, ${this.#idsDifferent} different`
    return ['command x reply, seen from both servers:', ...rows, ids].join('\n')
  }

  #cell(command: string, reply: string): string {
    const count = this.#count(command, reply)
    if (count > 0) return String(count)
    const why = whyUnreachable(command, reply)
    return why === undefined ? 'NEVER SEEN' : `(${why})`
  }

  #count(command: string, reply: string): number {
    return this.#seen.get(command)?.get(reply) ?? 0
  }
}
