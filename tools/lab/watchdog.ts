/**
 * Ends this process where something runs on without ever coming back to the event loop, which no timer of its
 * own could see, and says how to repeat it. Touches the process.
 */
import { Worker } from 'node:worker_threads'

/** Longer than anything that is tried may take, and shorter than anybody would wait. */
const HANG_MS = 120_000

/** In a thread of its own: what it is told is watched until the next word, which may be none. */
const WATCHER = `
  const { parentPort, workerData } = require('node:worker_threads')
  let timer
  parentPort.on('message', (repeat) => {
    clearTimeout(timer)
    if (repeat === '') return
    timer = setTimeout(() => {
      require('node:fs').writeSync(2, 'lab: nothing has moved for ' + workerData + ' ms\\nrepeat it with: npm run lab -- --only ' + repeat + ' --units 1\\n')
      process.kill(process.pid, 'SIGKILL')
    }, workerData)
  })
`

let watcher: Worker | undefined

/** Runs `act` under the watch; `repeat` is what the lab is told to repeat it: a trial and a seed. */
export async function withWatchdog(repeat: string, act: () => Promise<void>): Promise<void> {
  if (watcher === undefined) {
    watcher = new Worker(WATCHER, { eval: true, workerData: HANG_MS })
    watcher.unref()
  }
  const watching = watcher
  watching.postMessage(repeat)
  // Whoever comes back to the event loop is slow at most.
  const alive = setInterval(() => watching.postMessage(repeat), HANG_MS / 20)
  alive.unref()
  try {
    await act()
  } finally {
    clearInterval(alive)
    watching.postMessage('')
  }
}
