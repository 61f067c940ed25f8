/**
 * Compaction and crashes (J): a load that fills the disks of other queues, acknowledgements and all; then
 * `compact()` is killed, or robbed of power, at one call after the other. What was put and not finished is there,
 * no more and no less, and the last `compact()` keeps the bound.
 */
import { boundOf } from '../../../bench/space/disk-use.ts'
import { workloadNamed } from '../../../bench/space/workloads.ts'
import { Random } from '../../../src/system/simulated/random.ts'
import { SimulatedGround } from '../../../test/store/space/simulated-ground.ts'
import { type Lab, STORE_PARTS, type Trial } from '../trial.ts'

const KIB = 1024
const SMALL = { segmentBytesMin: 64 * KIB, segmentBytesMax: 256 * KIB } as const
const ROUND_MS = 100
/** Of docs/guarantees.md, invariant 15. */
const QUARANTINE_BYTES_MAX = 128 * 1024 * KIB
const CRASHES_MAX = 4
/** A merge of such a load makes about so many calls. */
const STEPS_MAX = 120

const LOADS = [
  { met: 'beanstalkd #43', roundsMax: 20 },
  { met: 'beanstalkd #276', roundsMax: 20 },
  { met: 'beanstalkd #622', roundsMax: 10 },
  { met: 'Pulsar #25540', roundsMax: 20 },
  { met: 'one log for all', roundsMax: 3 },
  { met: 'history', roundsMax: 20 },
  { met: 'framing', roundsMax: 10 },
] as const

export const SPACE: Trial = {
  letter: 'J',
  name: 'space',
  promise: '15, 12: the disk bound holds after crashes of compaction, and nothing owed is lost',
  restsOn: '1, 2, 6',
  shownBy:
    'loads that filled other queues, `compact()` killed or robbed of power again and again, then the bound; `test/store/space`, `test/log/space`',
  covers: STORE_PARTS,
  seed: crashCompactions,
}

async function crashCompactions(lab: Lab, seed: number): Promise<void> {
  const random = new Random(seed)
  const { met, roundsMax } = LOADS[seed % LOADS.length] ?? LOADS[0]
  const ground = new SimulatedGround(seed, SMALL)
  await ground.run(async () => {
    await ground.open()
    const work = await workloadNamed(met).begin(ground)
    for (let rounds = random.between(1, roundsMax); rounds > 0; rounds--) {
      await work.round()
      await ground.pass(random.between(0, ROUND_MS))
    }
    const live = work.live()
    for (let crashes = random.between(1, CRASHES_MAX); crashes > 0; crashes--) {
      await crash(ground, random)
      lab.count('crashes of a compaction')
      await ground.open()
      expectLive(met, ground, live.messages)
    }
    await ground.store.compact()
    const { diskBytes, boundBytes, quarantineBytes } = await boundOf(ground, live)
    expectLive(met, ground, live.messages)
    await ground.close()
    if (diskBytes > boundBytes) {
      throw new Error(`${met}: ${diskBytes} bytes of disk, and the bound is ${boundBytes}`)
    }
    if (quarantineBytes > QUARANTINE_BYTES_MAX) {
      throw new Error(`${met}: ${quarantineBytes} bytes are set aside`)
    }
  })
  lab.count('loads within the bound')
}

/** Ends the process, or the machine, somewhere within a compaction. */
async function crash(ground: SimulatedGround, random: Random): Promise<void> {
  let failure: unknown
  let isCrashed = false
  ground.store.compact().catch((error: unknown) => {
    if (!isCrashed) failure = error
  })
  for (let steps = random.between(0, STEPS_MAX); steps > 0; steps--) await ground.pass(0)
  if (failure !== undefined) throw failure
  isCrashed = true
  ground.crash(random.chance(0.5))
}

function expectLive(met: string, ground: SimulatedGround, wanted: number): void {
  const { messages, retained } = ground.store.stats()
  if (messages + retained !== wanted) {
    throw new Error(`${met}: ${messages + retained} messages are there, and ${wanted} should be`)
  }
}
