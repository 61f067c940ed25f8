/** How many ids a block takes, without an object per record. Pure. */
import type { Block } from './block.ts'
import { BlockFlag, BlockType, RecordKind } from './layout.ts'
import { RecordCursor } from './records.ts'

export class MessageCounter {
  /** Whether the block counted last holds control records. */
  hasControl = false
  readonly #cursor = new RecordCursor()

  /** How many ids from its first id on this block takes; `payload` is what a COMPRESSED one unpacks to. */
  idSpan(bytes: Uint8Array, at: number, block: Block, payload?: Uint8Array): number {
    this.hasControl = false
    if (block.type !== BlockType.DATA) return 0
    const cursor = this.#cursor
    cursor.open(bytes, at, payload)
    if ((block.flags & BlockFlag.SPARSE) !== 0) {
      let lastId = block.firstId - 1
      while (cursor.next()) lastId = cursor.id
      return lastId + 1 - block.firstId
    }
    let messages = 0
    while (cursor.next()) {
      if (cursor.kind === RecordKind.MESSAGE) messages++
      else if (cursor.kind === RecordKind.CONTROL) this.hasControl = true
    }
    return messages
  }
}
