/** The decoders of what the store writes: its records, and the slices of its saved state. */
import { decodeIndex } from '../../src/format/index-file.ts'
import { OWN_PART_PREFIX } from '../../src/log/snapshot/saved-state.ts'
import type { ControlOp } from '../../src/store/records/control-ops.ts'
import { decodeControl, encodeControl } from '../../src/store/records/control-record.ts'
import { decodeMessage, encodeMessageHead } from '../../src/store/records/message-record.ts'
import { loadState } from '../../src/store/space/snapshots.ts'
import { slicesOf } from '../../src/store/state/slices.ts'
import type { StoreState } from '../../src/store/state/store-state.ts'
import { crc32 } from '../../src/system/real/crc.ts'
import { bytesOf, GOLDEN_CONTROLS, GOLDEN_MESSAGES } from '../store/record-samples.ts'
import { expectSame, type HostileDecoder } from './decoder.ts'
import { below, pick } from './mutate.ts'
import { makeStoreImage } from './store-image.ts'

/** Parts of a snapshot: slices, each with the number of its pieces in front. */
type Slices = ReadonlyMap<string, Uint8Array>

export async function storeDecoders(): Promise<readonly HostileDecoder[]> {
  const slices = await someSlices()
  return [control(), appliedControl(slices), message(), appliedMessage(slices), slice(slices)]
}

/** Those of a small store with every kind of them. */
async function someSlices(): Promise<Slices> {
  const { closed } = await makeStoreImage()
  const index = decodeIndex(closed.get('index.a') ?? new Uint8Array(0), crc32)
  const parts = index?.parts.filter(({ name }) => !name.startsWith(OWN_PART_PREFIX)) ?? []
  const slices = new Map(parts.map(({ name, bytes }) => [name, bytes.slice()]))
  if ((await loaded(slices)).queues.size < 3) throw new Error('the store has saved no state')
  return slices
}

const CONTROLS = GOLDEN_CONTROLS.map(([, hex]) => bytesOf(hex))
const MESSAGES = GOLDEN_MESSAGES.map(([, hex]) => bytesOf(hex))

function control(): HostileDecoder {
  return {
    name: 'control record',
    valid: (random) => pick(random, CONTROLS),
    read: (bytes) => {
      const op = decodeControl(bytes)
      expectSame(decodeControl(encodeControl(op)), op, 'reads what it cannot write')
    },
  }
}

/** What it says of a store is as hostile as its bytes are. */
function appliedControl(slices: Slices): HostileDecoder {
  return {
    name: 'control record, applied',
    valid: (random) => {
      const of = { queue: 1, group: 1 + below(random, 2) }
      const ops: readonly ControlOp[] = GOLDEN_CONTROLS.map(([op]) => ({ ...op, ...of }))
      return encodeControl(pick(random, ops))
    },
    read: async (bytes) => {
      const state = await loaded(slices)
      state.applyEntry({ timeMs: 1, ids: [], messages: [], control: [bytes] })
      use(state)
    },
  }
}

function message(): HostileDecoder {
  return {
    name: 'message record',
    valid: (random) => pick(random, MESSAGES),
    read: (bytes) => {
      const { headers, body, ...facts } = decodeMessage(bytes)
      const again = decodeMessage(Buffer.concat([encodeMessageHead(facts, headers), body]))
      expectSame(
        { ...again, body: [...again.body] },
        { ...facts, headers, body: [...body] },
        'changes',
      )
    },
  }
}

function appliedMessage(slices: Slices): HostileDecoder {
  return {
    name: 'message record, applied',
    valid: (random) => {
      const [{ headers, body, ...facts }] = pick(random, GOLDEN_MESSAGES)
      return Buffer.concat([encodeMessageHead({ ...facts, queue: 1 }, headers), body])
    },
    read: async (bytes) => {
      const state = await loaded(slices)
      state.applyEntry({ timeMs: 2 ** 42, ids: [1_000_000], messages: [bytes], control: [] })
      use(state)
    },
  }
}

/** One of them is changed; or, where that one is to be noise, it stands under any name. */
function slice(slices: Slices): HostileDecoder {
  const byBytes = new Map([...slices].map(([name, bytes]) => [bytes, name]))
  return {
    name: 'slice of the state',
    valid: (random) => pick(random, [...byBytes.keys()]),
    read: async (bytes, original, random) => {
      const changed = new Map(slices)
      const name = (original && byBytes.get(original)) ?? pick(random, [...slices.keys()])
      changed.set(name, bytes)
      use(await loaded(changed))
    },
  }
}

async function loaded(slices: Slices): Promise<StoreState> {
  const parts = [...slices].map(([name, bytes]) => [name, { read: async () => bytes }] as const)
  return (await loadState(new Map(parts))).state
}

/** What opening goes on to do with a state. */
function use(state: StoreState): void {
  state.hash()
  for (const { encode } of slicesOf(state)) encode()
}
