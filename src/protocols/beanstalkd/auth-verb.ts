/** auth <token>: what beanstalkd has not, since it lets in whoever reaches it. */
import { Reply } from './replies.ts'
import type { Scanner } from './scanner.ts'
import type { Talk } from './talk.ts'

export function authorize(talk: Talk, scanner: Scanner): void {
  const { isToken } = talk.shared
  const token = scanner.lastWord()
  const isKnown =
    isToken === undefined || (token !== undefined && isToken(Buffer.from(token, 'latin1')))
  if (isKnown) {
    talk.isAuthorized = true
    talk.say(Reply.AUTHORIZED)
    return
  }
  talk.say(Reply.UNAUTHORIZED)
  talk.quit('unauthorized')
}
