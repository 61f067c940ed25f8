/** A service that holds a store and works, as a process of its own, and commands beside it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished } from 'vitest'
import { type InProcessResult, runInProcess } from './in-process.ts'
import { jsonLines } from './support.ts'

const SERVICE = fileURLToPath(new URL('./fixtures/service.mjs', import.meta.url))

interface Service {
  readonly child: ChildProcess
  readonly lines: AsyncIterator<string>
}

let service: Service | undefined

/** Starts the service, and waits until it works. */
export async function serve(directory: string): Promise<void> {
  const child = spawn(process.execPath, [SERVICE, directory], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  if (child.stdout === null) throw new Error('its output is a pipe')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  expect((await lines.next()).value).toBe('ready')
  service = { child, lines }
}

/** For `afterEach`: it is not hurt, goes on working and ends well. */
export async function endService(): Promise<void> {
  const one = service
  service = undefined
  if (!one) return
  const closed = new Promise<number | null>((resolve) => one.child.once('close', resolve))
  one.child.stdin?.end()
  expect((await one.lines.next()).value).toMatch(/^done \d+$/)
  expect(await closed).toBe(0)
}

/** As a crash would end it. */
export function killService(): void {
  service?.child.kill('SIGKILL')
  service = undefined
}

export async function qlog(
  ...words: string[]
): Promise<InProcessResult & { readonly out: string }> {
  const result = await runInProcess(words)
  return { ...result, out: result.stdout.toString() }
}

export async function fine(...words: string[]): Promise<string> {
  const { exitCode, out, stderr } = await qlog(...words)
  expect(exitCode, `${words.join(' ')}: ${stderr}`).toBe(0)
  return out
}

export async function lines(...words: string[]): Promise<Record<string, unknown>[]> {
  return jsonLines(Buffer.from(await fine(...words, '--json'))) as Record<string, unknown>[]
}
