/** What a script is: steps on several connections, each a burst of commands in packets, or an end. Pure. */

export type Step =
  | {
      readonly kind: 'send'
      readonly connection: number
      /** Whole commands with bodies and line ends. */
      readonly commands: readonly string[]
      /** From this number follow the packets that the burst is split into. */
      readonly packetSeed: number
      /** It is waited for all replies, also where a reserve has to wait. */
      readonly answered?: true
    }
  /** The connection goes at once. */
  | { readonly kind: 'close'; readonly connection: number }
  /** No more will be sent; it is waited until the server has closed. */
  | { readonly kind: 'half-close'; readonly connection: number }
  | { readonly kind: 'wait'; readonly seconds: number }
  /** SIGUSR1: the server takes no more jobs. */
  | { readonly kind: 'drain' }

export type Script = readonly Step[]

/** Text is latin1, one character a byte; a character behind that stands for the id of a job. */
const FIRST_JOB = 0x100

/** Stands in a command for the id of the `index`th job of the script, counted round. */
export function job(index: number): string {
  return String.fromCharCode(FIRST_JOB + index)
}

/** The bytes of a command, with the ids that a server has given. */
export function withIds(command: string, ids: readonly string[]): string {
  return command.replaceAll(/[\u0100-\uffff]/g, (one) => {
    const index = one.charCodeAt(0) - FIRST_JOB
    return ids[index % Math.max(1, ids.length)] ?? '0'
  })
}

/** For people, and short: bodies of some length are told by their length. */
export function showStep(step: Step): string {
  switch (step.kind) {
    case 'send':
      return `connection ${step.connection}: ${step.commands.map(showCommand).join(' ')}${
        step.answered ? ' (until answered)' : ''
      }`
    case 'close':
    case 'half-close':
      return `connection ${step.connection}: (${step.kind})`
    case 'wait':
      return `(wait ${step.seconds} s)`
    case 'drain':
      return '(drain)'
  }
}

export function showCommand(command: string): string {
  const shown = JSON.stringify(command).replaceAll(
    /[\u0100-\uffff]/g,
    (one) => `<job ${one.charCodeAt(0) - FIRST_JOB}>`,
  )
  if (shown.length <= 200) return shown
  return `${shown.slice(0, 120)}... (${command.length} bytes) ...${shown.slice(-20)}`
}
