/** The server: its listeners, the door, and the figures' port. */
import { edit, type PlantedFault } from '../fault.ts'

export const SERVER_FAULTS: readonly PlantedFault[] = [
  {
    name: 'server: a connection has the event loop for as long as it has commands',
    edits: [
      edit('src/server/listen/loop-share.ts', 'nowMs - this.#sinceMs >= LOOP_SHARE_MS', 'false'),
    ],
    tests: ['test/server/listen/client.test.ts'],
  },
  {
    name: 'server: a connection gives way at each command',
    edits: [
      edit('src/server/listen/loop-share.ts', 'nowMs - this.#sinceMs >= LOOP_SHARE_MS', 'true'),
    ],
    tests: ['test/server/listen/client.test.ts'],
  },
  {
    name: 'server: a socket that cannot be taken away keeps its server listening',
    edits: [
      edit(
        'src/server/listen/bind.ts',
        '  } catch {\n    // Who has become',
        '  } catch (error) {\n    throw error\n    // Who has become',
      ),
    ],
    tests: ['test/server/listen/listen.test.ts'],
  },
  {
    name: 'server: a listener that cannot be closed leaves the store open',
    edits: [edit('src/cli/serve/close-in-steps.ts', 'Promise.allSettled', 'Promise.all')],
    tests: ['test/cli/serve/close-in-steps.test.ts'],
  },
  {
    name: 'server: a stranger wins time by what it sends',
    edits: [
      edit(
        'src/server/listen/patience.ts',
        'standing.isUnknown ? ',
        'standing.isUnknown && !this.#hasHeard ? ',
      ),
    ],
    tests: ['test/server/listen/client.test.ts'],
  },
  {
    name: 'server: figures are made for as many requests as come at once',
    edits: [
      edit(
        'src/server/figures.ts',
        'if (asked.has(request.socket))',
        'if (request.url === undefined)',
      ),
      edit(
        'src/server/figures.ts',
        'REQUESTS_PER_CONNECTION_MAX = 1',
        'REQUESTS_PER_CONNECTION_MAX = 0',
      ),
    ],
    tests: ['test/server/figures.test.ts'],
  },
  {
    name: 'server: figures wait for a reader that takes nothing',
    edits: [
      edit('src/server/figures.ts', '() => socket.destroy(), timeoutMs', '() => {}, timeoutMs'),
    ],
    tests: ['test/server/figures.test.ts'],
  },
  {
    name: 'server: an unknown expectation leaves a connection to the figures open',
    edits: [
      edit(
        'src/server/figures.ts',
        "server.on('checkExpectation', (_, response) => refuse(response, 417))",
        '',
      ),
    ],
    tests: ['test/server/figures.test.ts'],
  },
  {
    name: 'server: who hears of the end of a connection can keep others from being ended',
    edits: [edit('src/server/listen/listen.ts', 'this.failed(error, client)', 'throw error')],
    tests: ['test/server/listen/listen.test.ts'],
  },
  {
    name: 'server: the end of one connection is told for two reasons',
    edits: [edit('src/server/listen/served-client.ts', 'if (this.#isEndTold) return', '')],
    tests: ['test/server/listen/listen.test.ts'],
  },
  {
    name: 'server: a taken path of a unix socket is told as a hidden file that is missing',
    edits: [
      edit(
        'src/server/listen/bind.ts',
        'server.close(() => resolve()))\n    throw error',
        'server.close(() => resolve()))\n    unlinkSync(born)\n    throw error',
      ),
    ],
    tests: ['test/server/listen/listen.test.ts'],
  },
  {
    name: 'import: a job that is to be buried is leased for its own time to run',
    edits: [edit('src/server/door/verbs/import.ts', '{ group, leaseMs: LEASE_MS }', '{ group }')],
    tests: ['test/cli/import/job-putter.test.ts'],
  },
]
