/** `rotate-until.ts STATE CONFIG PASSWORD TO NEW-PASSWORD STEP`: changes the key and dies at the n-th step. */
import { rotateFolder } from './rotate-folder.ts'

const [state = '', config = '', password = '', to = '', newPassword = '', step = ''] = process.argv.slice(2)
let steps = 0
await rotateFolder({ state, config, password: password === '' ? undefined : password, to: to === 'os' || to === 'password' ? to : 'file', newPassword }, () => {
  if (++steps === Number(step)) process.kill(process.pid, 'SIGKILL')
})
