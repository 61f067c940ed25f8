/** Becomes another user, as a server does that was started by root to bind its port. Touches /etc/passwd. */
import { readFileSync } from 'node:fs'
import { UsageError } from '../usage-error.ts'

interface User {
  readonly name: string
  readonly userId: number
  readonly groupId: number
}

/** Its types leave this one out. */
interface WithGroups {
  readonly initgroups?: (user: string, extraGroup: number) => void
}

/** Throws UsageError where there is no such user, or this one may not become it. */
export function becomeUser(word: string): void {
  const user = findUser(readFileSync('/etc/passwd', 'utf8'), word)
  if (user === undefined) {
    throw new UsageError(`there is no user ${word}`, 'Name a user of /etc/passwd, or leave -u out.')
  }
  const { getuid, setuid, setgid } = process
  const { initgroups } = process as WithGroups
  if (getuid?.() === user.userId) return
  if (setuid === undefined || setgid === undefined || initgroups === undefined) {
    throw new UsageError('this platform has no users to become', 'Leave -u out.')
  }
  try {
    // Groups first: the user that it becomes may not change them any more.
    initgroups(user.name, user.groupId)
    setgid(user.groupId)
    setuid(user.userId)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new UsageError(`cannot become ${word}: ${why}`, 'Start it as root, or leave -u out.')
  }
  if (getuid?.() !== user.userId) throw new Error(`this process is not ${word} after all`)
}

/** The line of the user, by name or number. */
export function findUser(passwd: string, word: string): User | undefined {
  for (const line of passwd.split('\n')) {
    const [name = '', , userId = '', groupId = ''] = line.split(':')
    if (name === '' || !/^\d+$/.test(userId) || !/^\d+$/.test(groupId)) continue
    if (name === word || userId === word) {
      return { name, userId: Number(userId), groupId: Number(groupId) }
    }
  }
  return undefined
}
