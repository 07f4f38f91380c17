import type { Method } from '../method.ts'
import { agent, agentResume, agentWait } from './agent.ts'
import { approvalsApply, approvalsGet, approvalsGrants, approvalsList, approvalsProposal, approvalsResolve, approvalsRevoke, why } from './approvals.ts'
import { authRotate } from './auth.ts'
import { chatAbort, chatHistory, chatSend } from './chat.ts'
import { clusterDrain, clusterSet, clusterStatus, clusterUnset } from './cluster.ts'
import { configGet, configSchema } from './config.ts'
import { dataErase, dataExport, dataShow } from './data.ts'
import { dbPrune } from './db.ts'
import { cronAdd, cronGet, cronList, cronRemove, cronRun, cronRuns, cronStatus, cronUpdate } from './cron.ts'
import { deviceList, devicePairApprove, devicePairList, devicePairReject, deviceTokenRevoke, deviceTokenRotate } from './devices.ts'
import { health, status } from './health.ts'
import { logsTail, logsUnfollow } from './logs.ts'
import { messagesList, messagesTest } from './messages.ts'
import { modelsList } from './models.ts'
import { outboxDrop, outboxGet, outboxList, outboxRetry } from './outbox.ts'
import { sessionsExport } from './sessions-export.ts'
import { sessionsCreate, sessionsDelete, sessionsList, sessionsPreview, sessionsRename, sessionsReset } from './sessions.ts'
import { taskCancel, taskCreate, taskGet, taskList, taskResume, taskRetry, taskUpdate } from './task.ts'
import { turnsCancel, turnsGet, turnsList, turnsReplay, turnsResume } from './turns.ts'
import { undoApply, undoList } from './undo.ts'
import { usageStatus } from './usage.ts'

export const methods: readonly Method[] = [
  health,
  status,
  chatSend,
  chatHistory,
  chatAbort,
  agent,
  agentResume,
  agentWait,
  approvalsList,
  approvalsGet,
  approvalsResolve,
  approvalsGrants,
  approvalsRevoke,
  approvalsProposal,
  approvalsApply,
  why,
  sessionsList,
  sessionsPreview,
  sessionsCreate,
  sessionsRename,
  sessionsReset,
  sessionsDelete,
  sessionsExport,
  modelsList,
  messagesList,
  messagesTest,
  clusterStatus,
  clusterDrain,
  clusterSet,
  clusterUnset,
  outboxList,
  outboxGet,
  outboxRetry,
  outboxDrop,
  configGet,
  configSchema,
  logsTail,
  logsUnfollow,
  usageStatus,
  authRotate,
  devicePairList,
  devicePairApprove,
  devicePairReject,
  deviceList,
  deviceTokenRotate,
  deviceTokenRevoke,
  turnsList,
  turnsGet,
  turnsResume,
  turnsCancel,
  turnsReplay,
  undoList,
  undoApply,
  dbPrune,
  cronStatus,
  cronList,
  cronGet,
  cronAdd,
  cronUpdate,
  cronRemove,
  cronRun,
  cronRuns,
  taskCreate,
  taskList,
  taskGet,
  taskUpdate,
  taskCancel,
  taskRetry,
  taskResume,
  dataShow,
  dataExport,
  dataErase,
]
