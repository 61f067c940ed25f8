/**
 * One connection: takes commands out of what came, has them done, and keeps the answers in their order.
 * Puts and what ends a reservation are begun one after the other and answered as they become durable; any
 * other command that has to ask the store waits for those in front of it, and those behind it wait for it.
 */
import type { Client, Conversation, RefusalReason } from '../../server/index.ts'
import { authorize } from './auth-verb.ts'
import { type Command, commandOf } from './commands.ts'
import { Held } from './held.ts'
import { LineReader, TOO_LONG } from './line-reader.ts'
import { Pipeline } from './pipeline.ts'
import { Putting } from './putting.ts'
import { isOrdinary, Reply, replyOf } from './replies.ts'
import { Reserving } from './reserving.ts'
import { Scanner } from './scanner.ts'
import type { Shared } from './shared.ts'
import { Watching } from './watching.ts'

const NUL = 0

export class Talk implements Conversation {
  readonly shared: Shared
  readonly client: Client
  readonly held = new Held()
  readonly watching: Watching
  readonly putting: Putting
  readonly reserving: Reserving
  /** It has shown a token, or needs none. */
  isAuthorized: boolean
  readonly #pipeline: Pipeline
  readonly #lines = new LineReader()
  readonly #scanner = new Scanner()
  /** A command is under way that nothing may overtake; or waits for those in front of it. */
  #isAlone = false
  #waiting: (() => Promise<void>) | undefined
  /** The parser stopped, and there may be more to take. */
  #hasMore = false
  #isStopping = false
  #isClosed = false
  /** Why it ends. */
  #why: RefusalReason | undefined
  #isProducer = false
  #isWorker = false

  constructor(shared: Shared, client: Client) {
    this.shared = shared
    this.client = client
    this.isAuthorized = shared.isToken === undefined
    this.#pipeline = new Pipeline(
      {
        write: (bytes) => client.write(bytes),
        drained: () => this.#drained(),
        failed: (error) => this.#report(error),
      },
      shared.slots,
    )
    this.watching = new Watching(shared)
    this.putting = new Putting(this)
    this.reserving = new Reserving(this)
    shared.counters.connections++
    shared.counters.connectionsTotal++
  }

  get isBusy(): boolean {
    return this.#isAlone || !this.#pipeline.isEmpty || this.#hasMore || this.putting.isHeldUp
  }

  get isWaiting(): boolean {
    return this.reserving.isWaiting
  }

  get isUnknown(): boolean {
    return !this.isAuthorized
  }

  advance(): void {
    this.#hasMore = false
    if (this.client.intake.ended) this.reserving.peerEnded()
    if (!this.client.isCongested) this.reserving.goOn()
    while (!this.#isAlone && !this.#isStopping && !this.#isClosed) {
      if (this.client.isCongested || this.#pipeline.isFull) {
        this.#hasMore = true
        return
      }
      if (!this.#step()) return
    }
  }

  stop(): void {
    this.#isStopping = true
    this.#hasMore = false
    this.putting.end()
    this.watching.stop()
    this.reserving.stop()
    this.#endIfIdle()
  }

  closed(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    const { counters } = this.shared
    if (this.#isProducer) counters.producers--
    if (this.#isWorker) counters.workers--
    this.putting.end()
    this.reserving.end()
    // Whoever sees it gone finds its jobs ready.
    void this.watching.end(this.held.takeAll()).then(() => {
      counters.connections--
    })
  }

  // What commands call.

  /** A reply that is known now. */
  say(text: string): void {
    this.#pipeline.say(text)
  }

  /** The reply follows, as `slot` is told; others may begin meanwhile. */
  begin(text: string, bytes = 0) {
    return this.#pipeline.begin(text, bytes)
  }

  /** Does this once all in front of it is answered; it writes its own reply, and nothing begins meanwhile. */
  alone(run: () => Promise<void>): void {
    this.#isAlone = true
    if (this.#pipeline.isEmpty) this.#run(run)
    else this.#waiting = run
  }

  /** The same for what is one line. */
  answer(run: () => Promise<string>): void {
    this.alone(async () => this.client.write(await run()))
  }

  write(bytes: Uint8Array | string): void {
    this.client.write(bytes)
  }

  /** A job with its body. */
  writeJob(word: string, id: number, body: Uint8Array): void {
    this.client.write(`${word} ${id} ${body.length}\r\n`)
    this.client.write(body)
    this.client.write('\r\n')
  }

  noteProducer(): void {
    if (this.#isProducer) return
    this.#isProducer = true
    this.shared.counters.producers++
  }

  noteWorker(): void {
    if (this.#isWorker) return
    this.#isWorker = true
    this.shared.counters.workers++
  }

  /** The client wants no more, or is refused. */
  quit(why?: RefusalReason): void {
    this.#isStopping = true
    this.#why = why
    this.#endIfIdle()
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** False where more bytes have to come. */
  #step(): boolean {
    if (this.putting.isUnderWay) return this.putting.goOn()
    const line = this.#lines.next(this.client.intake)
    // A stranger could send a line without an end for ever: it is refused for how it begins.
    const isTooLong = line === TOO_LONG || this.#lines.isDiscarding
    if (isTooLong && !this.isAuthorized) this.#refuse()
    else if (line === TOO_LONG) this.say(Reply.BAD_FORMAT)
    else if (line !== undefined) this.#command(line)
    return line !== undefined
  }

  #command(line: Uint8Array): void {
    const command = commandOf(line)
    // What C takes for the end of a text is no end of a command.
    const hasNul = line.includes(NUL)
    if (!this.isAuthorized && (hasNul || command?.run !== authorize)) this.#refuse()
    else if (hasNul) this.say(Reply.BAD_FORMAT)
    else if (command === undefined) this.say(Reply.UNKNOWN_COMMAND)
    else this.#do(command, line)
  }

  /** What a store that has failed throws is an answer, too, and the connection goes on. */
  #do(command: Command, line: Uint8Array): void {
    try {
      command.run(this, this.#scanner.begin(line, command.prefix.length), line)
    } catch (error) {
      this.say(replyOf(error))
      this.#report(error)
    }
  }

  /** What follows may be the body of a put: none of it is looked at. */
  #refuse(): void {
    this.say(Reply.UNAUTHORIZED)
    this.quit('unauthorized')
  }

  #run(run: () => Promise<void>): void {
    run().then(this.#done, this.#failed)
  }

  readonly #done = (): void => {
    this.#isAlone = false
    this.#goOn()
  }

  readonly #failed = (error: unknown): void => {
    if (!this.#isClosed) {
      this.client.write(replyOf(error))
      this.#report(error)
    }
    this.#done()
  }

  #drained(): void {
    const waiting = this.#waiting
    if (waiting !== undefined && this.#pipeline.isEmpty) {
      this.#waiting = undefined
      // Nobody is there any more to be answered, nor to hold a job.
      if (!this.#isClosed) this.#run(waiting)
      return
    }
    this.#goOn()
  }

  /** There may be commands that were not begun, and the frame has to look whether this was the end. */
  #goOn(): void {
    if (this.#isClosed) return
    if (this.#isStopping) this.#endIfIdle()
    else if (this.#hasMore || this.client.intake.length > 0 || this.client.intake.ended) {
      this.client.wake()
    }
  }

  #endIfIdle(): void {
    if (!this.#isAlone && this.#pipeline.isEmpty) this.client.end(this.#why)
  }

  #report(error: unknown): void {
    if (!isOrdinary(error)) this.shared.report(error)
  }
}
