/**
 * What a take has to have in hand of each message: bytes in the memory of JavaScript. All contenders call it,
 * so that those whose messages come as views that are made when somebody asks are asked, too.
 */
export function needBody(body: unknown): void {
  if (!(body instanceof Uint8Array)) throw new Error('a message came without its body')
}
