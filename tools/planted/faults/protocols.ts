/** The protocols of beanstalkd and memcache, and the import from a beanstalkd. */
import { edit, type PlantedFault } from '../fault.ts'

export const PROTOCOLS_FAULTS: readonly PlantedFault[] = [
  {
    name: 'server: memcache refuses a stranger as often as it asks',
    edits: [
      edit(
        'src/protocols/memcache/text-conversation.ts',
        'this.#refusals >= UNTRUSTED_REPLIES_MAX',
        'this.#refusals > 1_000_000',
      ),
    ],
    tests: ['test/protocols/memcache/access.test.ts'],
  },
  {
    name: 'server: memcache makes memory for what a stranger declares',
    edits: [
      edit(
        'src/protocols/memcache/binary-conversation.ts',
        'bytesMax = op === Op.VERSION ? 0 : CREDENTIAL_BYTES_MAX',
        'bytesMax = op === Op.VERSION ? 0 : FRAME_HEAD_BYTES_MAX',
      ),
    ],
    tests: ['test/protocols/memcache/binary.test.ts'],
  },
  {
    name: 'server: beanstalkd reads a line of a stranger that never ends',
    edits: [
      edit(
        'src/protocols/beanstalkd/talk.ts',
        'line === TOO_LONG || this.#lines.isDiscarding',
        'line === TOO_LONG',
      ),
    ],
    tests: ['test/protocols/beanstalkd/extras.test.ts'],
  },
  {
    name: 'server: beanstalkd goes on with a stranger whose line has a NUL',
    edits: [edit('src/protocols/beanstalkd/talk.ts', '(hasNul || command?.run', '(command?.run')],
    tests: ['test/protocols/beanstalkd/extras.test.ts'],
  },
  {
    name: 'memcache: a stranger that is ended for a frame without sense is not counted as one',
    edits: [
      edit(
        'src/protocols/memcache/binary-conversation.ts',
        'isOpenOp.has(op) && keyBytes + extraBytes <= bodyBytes && bodyBytes <= bytesMax',
        'isOpenOp.has(op) && bodyBytes <= CREDENTIAL_BYTES_MAX',
      ),
    ],
    tests: ['test/protocols/memcache/binary.test.ts'],
  },
  {
    name: 'beanstalkd: replies that wait behind a put count nothing',
    edits: [
      edit('src/protocols/beanstalkd/pipeline.ts', 'begin(text, text.length)', 'begin(text, 0)'),
    ],
    tests: ['test/protocols/beanstalkd/pipeline.test.ts'],
  },
  {
    name: 'beanstalkd: lists of watched tubes are made while a put in front of them is under way',
    edits: [
      edit(
        'src/protocols/beanstalkd/look-verbs.ts',
        'talk.answer(async () => documentReply(namesOf(talk.watching.watched)))',
        'talk.say(documentReply(namesOf(talk.watching.watched)))',
      ),
    ],
    tests: ['test/protocols/beanstalkd/pipelining.test.ts'],
  },
  {
    name: 'import: a buried job that was kicked here is buried again when it comes again',
    edits: [
      edit(
        'src/cli/import/job-putter.ts',
        "state === 'delayed' && counters.leases + counters.buries === 0",
        'counters.leases >= 0',
      ),
    ],
    tests: ['test/cli/import/job-putter.test.ts'],
  },
  {
    name: 'import: a job that was put and could not be deleted is put again when it is met again',
    edits: [
      edit(
        'src/protocols/beanstalkd/import/tube-drain.ts',
        '!undeleted.has(id) && !notBuried.has(id)',
        'id > 0',
      ),
    ],
    tests: ['test/protocols/beanstalkd/import/drain.test.ts'],
  },
  {
    name: 'import: jobs that stay are held past their time to run',
    edits: [
      edit(
        'src/protocols/beanstalkd/import/held-jobs.ts',
        '    await this.#source.touch([...this.#jobs.keys()])\n',
        '',
      ),
    ],
    tests: ['test/protocols/beanstalkd/import/drain.test.ts'],
  },
  {
    name: 'import: a job that one call reserves twice goes over twice',
    edits: [
      edit(
        'src/protocols/beanstalkd/import/source.ts',
        '      if (met.has(job.id)) continue\n',
        '',
      ),
    ],
    tests: ['test/protocols/beanstalkd/import/drain.test.ts'],
  },
  {
    name: 'import: of a job that stays the body is held to the end of its tube',
    edits: [
      edit(
        'src/protocols/beanstalkd/import/tube-drain.ts',
        'this.#held.note(claim.job.id, claim.stats)',
        'this.#held.note(claim.job.id, { ...claim.job, ...claim.stats })',
      ),
    ],
    tests: ['test/protocols/beanstalkd/import/drain.test.ts'],
  },
  {
    name: 'import: all jobs that stay are touched after each batch',
    edits: [
      edit(
        'src/protocols/beanstalkd/import/held-jobs.ts',
        'this.#jobs.size === 0 || nowMs < dueMs',
        'this.#jobs.size === 0 || dueMs < 0',
      ),
    ],
    tests: ['test/protocols/beanstalkd/import/drain.test.ts'],
  },
  {
    name: 'import: the delay of a job that stays begins anew when it is given back',
    edits: [
      edit(
        'src/protocols/beanstalkd/import/held-jobs.ts',
        "if (job.state !== 'delayed') return job",
        'if (job.id > 0) return job',
      ),
    ],
    tests: ['test/protocols/beanstalkd/import/drain.test.ts'],
  },
  {
    name: 'import: the delay of a job that stays grows with each time it is given back',
    edits: [
      edit(
        'src/protocols/beanstalkd/import/held-jobs.ts',
        'return isSame ? beforeMs : toldMs',
        'return isSame && toldMs < 0 ? beforeMs : toldMs',
      ),
    ],
    tests: ['test/protocols/beanstalkd/import/drain.test.ts'],
  },
  {
    name: 'import: the longest delay of all is longer than a store takes',
    edits: [
      edit(
        'src/protocols/beanstalkd/import/held-jobs.ts',
        'return Math.min(U32_MAX, leftSeconds + 1) * SECOND_MS',
        'return (leftSeconds + 1) * SECOND_MS',
      ),
    ],
    tests: ['test/protocols/beanstalkd/import/drain.test.ts'],
  },
  {
    name: 'import: a job that comes back between a look and the count ends the wait for it',
    edits: [
      edit(
        'src/protocols/beanstalkd/import/drain.ts',
        '(isIdle && !mayComeBack)',
        '(isIdle && leftMs <= 0)',
      ),
    ],
    tests: ['test/protocols/beanstalkd/import/drain.test.ts'],
  },
  {
    name: 'import: passes that waited are counted',
    edits: [
      edit(
        'src/protocols/beanstalkd/import/drain.ts',
        '        mayComeBack = true\n        continue\n',
        '        mayComeBack = true\n        passes += 1\n        continue\n',
      ),
    ],
    tests: ['test/protocols/beanstalkd/import/drain.test.ts'],
  },
  {
    name: 'import: a job that is ready as before is told as one that could not be given back',
    edits: [
      edit(
        'src/protocols/beanstalkd/import/held-jobs.ts',
        "missed.has(id) && state !== 'ready'",
        'missed.has(id)',
      ),
    ],
    tests: ['test/protocols/beanstalkd/import/drain.test.ts'],
  },
  {
    name: 'import: a job of files that could not be buried is told to wait for a week',
    edits: [
      edit(
        'src/cli/import/from-binlog.ts',
        "tellNotBuried(this.#output, job.id, job.tube, 'a day')",
        "tellNotBuried(this.#output, job.id, job.tube, 'a week')",
      ),
    ],
    tests: ['test/cli/import/limits.test.ts'],
  },
  {
    name: 'import: jobs of files are known for an hour alone',
    edits: [
      edit(
        'src/cli/import/from-binlog.ts',
        'const KEY_WINDOW_MS = 7 * 24 * 3_600_000',
        'const KEY_WINDOW_MS = 3_600_000',
      ),
    ],
    tests: ['test/cli/import/binlog-cut.test.ts'],
  },
  {
    name: 'import: a pause is over a second before it ends',
    edits: [
      edit(
        'src/protocols/beanstalkd/import/source.ts',
        'isPaused ? Math.min(U32_MAX, left + 1) : 0',
        'isPaused ? left : 0',
      ),
    ],
    tests: ['test/protocols/beanstalkd/import/drain.test.ts'],
  },
  {
    name: 'memcache: the body behind a bad line is run as commands',
    edits: [
      edit(
        'src/protocols/memcache/text-conversation.ts',
        '    if (bytes !== undefined) this.#unwanted = bytes + ENDING_BYTES\n',
        '',
      ),
    ],
    tests: ['test/protocols/memcache/text-replies.test.ts'],
  },
  {
    name: 'memcache: readers that nobody uses any more stay, however many they are',
    edits: [edit('src/protocols/memcache/readers.ts', '    this.#readers.shrink(this)\n', '')],
    tests: ['test/protocols/memcache/readers.test.ts'],
  },
]
