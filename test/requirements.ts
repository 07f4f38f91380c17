/**
 * What carapace promises, and the test that proves each promise. `requirements.test.ts` fails on a promise without its test, and on a route, method, command, tool,
 * provider or guard stage that no test mentions: what is not here and not proved must not be in the README.
 */
export interface Requirement {
  /** Area and number; never given twice, never given again. */
  readonly id: `${'SET' | 'LLM' | 'TURN' | 'MSG' | 'DOOR' | 'CLI' | 'CFG' | 'SEC' | 'STORE' | 'CLUS' | 'CRON' | 'TASK'}-${number}`
  readonly promise: string
  readonly file: string
  /** The test's title, word for word. */
  readonly test: string
}

function proved(file: string, rows: readonly (readonly [id: Requirement['id'], promise: string, test: string])[]): readonly Requirement[] {
  return rows.map(([id, promise, test]) => ({ id, promise, file, test }))
}

export const requirements: readonly Requirement[] = [
  ...proved('test/journeys/cli-launcher.test.ts', [
    [
      'SET-1',
      'A fresh clone sets itself up, and `npm pack` gives a package that works when installed globally',
      'sets itself up, and its package works when it is installed globally',
    ],
    ['SET-2', 'Without a registry the set-up says what to do', 'says what to do when the registry cannot be reached'],
    ['SET-3', 'The launcher builds what is stale, and only then', 'builds again after a change, a new file, a deletion and a renaming, and only then'],
    ['SET-4', 'The launcher costs less than 50 ms', 'costs less than 50 ms beside the program itself'],
  ]),
  ...proved('test/journeys/cli-scripts.test.ts', [
    ['SET-5', '`npm test` ends with the counts and fails where a test failed', 'npm test ends with the counts, and fails where nothing was run'],
  ]),
  ...proved('test/contracts/provider-contract.ts', [
    ['LLM-1', 'Every provider streams text and several tool calls at once', 'streams several tool calls at once'],
    ['LLM-2', 'Cancelling closes the upstream connection', 'an abort ${when} closes the upstream connection within a second'],
    [
      'LLM-3',
      'No key, token or query string shows in an error, log or event',
      'status ${status} ${body.slice(0, 60)} is ${kind}, asked once, and tells no secret',
    ],
  ]),
  ...proved('test/golden/openai-chat.test.ts', [
    ['LLM-4', 'Wire bytes cut at every byte give the same events', 'openai-chat/${name} means the same however it is cut'],
  ]),
  ...proved('test/golden/anthropic.test.ts', [['LLM-5', 'The same for Anthropic', 'anthropic/${name} means the same however it is cut']]),
  ...proved('test/golden/gemini.test.ts', [['LLM-6', 'The same for Gemini', 'gemini/${name} means the same however it is cut']]),
  ...proved('test/golden/bedrock.test.ts', [['LLM-7', 'The same for Bedrock', 'bedrock/${name} means the same however it is cut']]),
  ...proved('test/contracts/probe.test.ts', [
    ['LLM-8', 'Model servers on the usual ports of this machine are found', 'finds the servers that list models, in order, and nothing else, within its time'],
  ]),
  ...proved('test/journeys/agent.test.ts', [
    ['LLM-9', 'A model that fails is asked again, as the vendor says', 'are asked again after a wait, as long as the vendor says'],
    ['LLM-10', 'A route fails over to its next model, visibly', 'are given up for the next of their route, visibly'],
    ['LLM-11', 'Nothing fails over once the user has seen output', 'are never replaced once the user has seen output'],
    ['TURN-1', 'A turn answers and keeps both sides', 'answers, streams what it answers, and keeps both sides of the conversation'],
    ['TURN-2', 'Tools run, show, and hand back their results', 'runs the tools that the model asks for, shows them, and hands their results back'],
    ['TURN-3', 'Reads run side by side, everything else in order', 'runs reads side by side and other tools one after the other'],
    ['TURN-4', 'A turn stops at its steps', 'stops after the steps of one turn and says so'],
    ['TURN-5', 'A turn stops on the third identical call', 'stops on the third identical call (I2)'],
    ['TURN-6', 'A turn stops at its output tokens', 'stops at the output tokens, and never asks for more than are left'],
    ['TURN-7', 'A turn stops at its money', 'stops at the money, where the price is known'],
    ['TURN-8', 'A turn stops at its time', 'stops a model that hangs, at the end of its time'],
    ['TURN-9', 'A turn stops at its tool time', 'stops when the tools of one turn have used their time'],
    ['TURN-10', 'A turn can be cancelled in the middle of a tool', 'cancels in the middle of a tool, and the conversation can go on'],
    [
      'TURN-11',
      'Long conversations are summarised in whole exchanges and stay whole on disk',
      'are summarised by the model, in whole exchanges, and stay whole on disk',
    ],
    ['TURN-12', 'A conversation fits the window even without a summary', 'fit the window even when no summary can be made'],
    ['TURN-13', 'Sessions say that the demo model answers', 'says in its events that the demo answers'],
    ['MSG-1', 'Messages of one conversation never interleave', 'lets the second message wait for the first, and other conversations go on'],
    ['MSG-2', 'What waits is bounded', 'bounds what waits'],
    ['MSG-3', 'The same message is answered once', 'answers a repeated idempotency key with the same turn, once'],
    ['MSG-4', 'The next start answers what was accepted and not answered', 'answers what was accepted and not answered, and forgets a client that is gone'],
    ['MSG-5', 'After a crash no unsafe call is repeated', 'runs a pure call again, and asks the owner about an unsafe one instead of repeating it'],
    [
      'SEC-24',
      'A page that the owner named is read, one that the page names is not',
      'reads the page that the owner named, and not the one that the page names',
    ],
    ['SEC-1', 'Known secrets reach no model, store or stream', 'reach neither a model nor the store, and leave in no piece of a stream'],
  ]),
  ...proved('test/faults/kill.test.ts', [
    ['MSG-6', 'SIGKILL at any moment loses nothing and repeats nothing', 'killed at any moment, nothing acknowledged is lost and nothing happens twice'],
    [
      'MSG-7',
      'What was acknowledged outside any session is answered after a crash, too',
      'a question outside any session that was acknowledged is answered after the next start',
    ],
    ['STORE-4', 'A first start that was killed does no harm', 'killed while it starts for the first time, it starts the second time'],
  ]),
  ...proved('test/faults/database-writes.test.ts', [
    ['STORE-5', 'A write that fails loses nothing that was acknowledged', 'at any one write (${failure}) loses nothing that was acknowledged'],
    [
      'STORE-6',
      'A full disk shows in readiness, and is got over',
      'for want of space refuses messages, says so at /health/ready, and goes on once there is room',
    ],
  ]),
  ...proved('test/journeys/first-light.test.ts', [
    ['SET-6', 'Without a key and a configuration, the first question is answered with a tool', 'starts with one line, and its demo model answers with a tool'],
    [
      'LLM-13',
      'The model is found in the configuration, then in the environment',
      'is the one of the configuration, then of the environment, before any server is asked',
    ],
    [
      'LLM-14',
      'A server on this machine is looked for only then, and the demo is the last',
      'is looked for on this machine only then, and is the demo at last, or none',
    ],
    ['SET-7', 'SIGTERM lets running turns end', 'lets a running turn end, takes no new one, and ends with 0'],
    ['SET-8', 'A second signal ends at once, and the turn is taken up', 'a second time ends at once with 130, and the next start takes the turn up'],
    ['SET-9', 'Instances live side by side', 'live side by side, each in its own folder and on its own port'],
    ['SET-10', 'A taken port or folder is refused with what to do', 'never share a port: the second says what to do'],
  ]),
  ...proved('test/journeys/llama-server.test.ts', [
    ['DOOR-12', 'A streamed tool round trip works with the official client and a real llama.cpp server', 'a streamed tool round trip'],
    ['DOOR-13', 'Stopping that client stops that server within a second', 'a client that stops, stops the server within a second'],
  ]),
  ...proved('test/journeys/openai-client.test.ts', [
    ['DOOR-1', 'The official client gets whole and streamed chat completions', 'chat, streamed: deltas as they come, finish, usage on request'],
    ['DOOR-2', 'A client’s tools are handed back to it', 'chat, streamed: a tool round trip with a tool of the client'],
    ['DOOR-3', 'The official client gets whole and streamed responses', 'responses, whole and streamed'],
    ['DOOR-4', 'Errors have OpenAI’s shape, and what cannot be done is named', 'what we cannot do is refused by name'],
    ['DOOR-5', 'A client that leaves cancels its turn', 'leaving a stream cancels the turn'],
    ['DOOR-6', 'A request can continue a stored session', 'a stored session takes what came after the last answer'],
  ]),
  ...proved('test/journeys/openai-gateway.test.ts', [['DOOR-7', 'Stopping the client stops the upstream', 'a client that leaves ends the request upstream']]),
  ...proved('test/security/http-strangers.test.ts', [
    ['DOOR-8', 'Readiness says why it is not given', 'health says why the gateway is not ready'],
    ['SEC-2', 'Without a token only health answers', 'A5 without a token only health answers, on every route and on the upgrade'],
    ['SEC-3', 'A foreign Origin is refused before the upgrade', 'A2 A4 a foreign Origin is refused everywhere, before 101'],
    ['SEC-4', 'A foreign Host is refused', 'A6 a foreign Host gets 421 everywhere, before 101'],
    ['SEC-5', 'Proxy headers are refused', 'B1 B2 any proxy header is refused everywhere, and changes nothing'],
    ['SEC-6', 'No spelling of a path goes around the guard', 'B6 no spelling of a path reaches a route without its scope'],
  ]),
  ...proved('test/security/http-brute-force.test.ts', [
    [
      'SEC-7',
      'Wrong tokens lock out and the owner is still answered',
      'A3 200 wrong tokens one after the other: locked out after ten, the owner answered in between',
    ],
  ]),
  ...proved('test/security/http-floods.test.ts', [
    ['SEC-8', 'A 100 MB body is refused unread', 'I1 D5 a declared 100 MB body is refused unread'],
    ['SEC-9', 'A slow body ends', 'I1 a slow body ends with 408'],
    ['SEC-10', 'A thousand idle sockets do not keep the owner out', 'I1 1,000 idle sockets: the oldest go, the owner gets in'],
  ]),
  ...proved('test/security/ws-limits.test.ts', [
    ['SEC-11', 'A client gets at most the scopes that its credential holds', 'C1 granted scopes are those that the credential holds and the client asked for'],
    ['DOOR-9', 'Requests of one connection run concurrently', 'I1 requests run concurrently, up to a limit, and ids are unique while they run'],
    ['DOOR-10', 'A slow client is told and closed, others go on', 'I1 a client that stops reading is told and closed; others go on'],
  ]),
  ...proved('test/security/ws-limits.test.ts', [
    [
      'DOOR-14',
      'Requests that come too fast are refused, not dropped',
      'I1 too many messages: each is refused and asked to wait, three strikes and out, others stay',
    ],
  ]),
  ...proved('test/golden/ws/traces.test.ts', [['DOOR-11', 'The WebSocket protocol answers as its traces say', 'trace ${name}']]),
  ...proved('src/guard/pipeline.test.ts', [
    ['SEC-12', 'A stage that throws blocks', 'blocks when a stage throws, and does not show what it threw'],
    ['SEC-13', 'Paths stay inside the configured folders', 'keeps paths inside the roots, links resolved (F1, F3)'],
    ['SEC-14', 'What acts outside needs the owner’s word', 'holds what acts outside or cannot be undone'],
    ['SEC-15', 'A secret leaves in no half, wherever a stream is cut', 'lets no half of a secret out, wherever the stream is cut'],
    ['SEC-16', 'Plain http reaches this machine only', 'refuses plain http to anywhere else, other schemes, and addresses that only look like this machine'],
  ]),
  ...proved('test/security/egress-spellings.test.ts', [
    ['SEC-30', 'No spelling of an address inside is reached', 'H1 ${JSON.stringify(spelling)} is refused and not looked up'],
    ['SEC-31', 'A name is refused for what it resolves to', 'H1 ${name} is refused for what it resolves to'],
  ]),
  ...proved('src/guard/public-address.test.ts', [
    ['SEC-32', 'Every range that is not public is refused', 'H1 ${name}: refused from ${first} to ${last}, and only there'],
  ]),
  ...proved('test/security/egress-rebinding.test.ts', [
    [
      'SEC-33',
      'A connection goes to the address that was checked',
      'H1 the connection goes to the address that was checked, although the name has changed since',
    ],
  ]),
  ...proved('test/security/egress-redirects.test.ts', [
    ['SEC-34', 'A redirect leads nowhere that could not be asked directly', 'H1 a redirect to ${name} is refused'],
    ['SEC-35', 'Credentials never follow to another origin', 'H2 credentials do not follow a ${status} to another origin, and do stay within one'],
  ]),
  ...proved('test/security/egress-bodies.test.ts', [['SEC-36', 'What is fetched is bounded in time', 'I1 the whole time is bounded, over a slow body too']]),
  ...proved('test/contracts/web-fetch.test.ts', [
    ['SEC-37', 'A web page is read as untrusted words of its host', 'web_fetch reads a page, and says whose words they are'],
  ]),
  ...proved('test/security/audit.test.ts', [
    [
      'SEC-50',
      'A receipt that was changed, taken out, moved or added is found',
      'a changed, deleted, swapped, inserted or repeated line is found, wherever it is',
    ],
    ['SEC-51', 'The first fault is named with file, line and kind', 'says file, line and kind of the first fault'],
    ['SEC-52', 'Nobody without the key can make the chain anew', 'hashes made anew without the key are found, also with another key'],
    ['SEC-53', 'A start does not heal a trail that was cut short', 'a trail cut short stays so after the next start, with and without its head'],
    ['SEC-54', 'Rotation and pruning keep the chain', 'keep the chain, files within their size and number, and the oldest end named'],
    ['SEC-55', 'A crash leaves a trail that is sound', 'kill -9 of a writer at any moment leaves a trail that is sound after the next start'],
  ]),
  ...proved('test/security/audit-effects.test.ts', [
    ['SEC-56', 'An effect has its receipt on the disk before it happens', 'has its receipt on the disk before it happens, and its outcome after'],
    ['SEC-57', 'No receipt, no effect', 'does not happen when its receipt cannot be written, or not flushed; reading goes on'],
    ['SEC-58', 'Every kind of receipt is written by a real gateway', 'come of every kind, and the trail is sound'],
    [
      'SEC-59',
      'No secret and no word of a message is in a receipt',
      'hold no secret and no word of a message, a result, a path or a name that the model made up',
    ],
  ]),
  ...proved('test/contracts/outbox-claims.test.ts', [
    [
      'MSG-43',
      'Claims are renewed while something is sent, all in one statement',
      'are renewed every two seconds, all in one statement, and nothing waits when nothing is sent',
    ],
  ]),
  ...proved('src/gateway/outbox/split-text.test.ts', [
    ['MSG-20', 'A long text fits its platform in the platform’s own unit', 'is cut into pieces that fit in the platform’s own unit and joined are the text'],
    ['MSG-21', 'No grapheme is torn apart', 'is cut in no grapheme'],
    ['MSG-22', 'No link and no mention is torn apart', 'is cut in no link and no mention, and in no short code where there is markup'],
    ['MSG-23', 'A block of code is closed and goes on in its language', 'leaves no block of code open, and goes on with it in its language'],
  ]),
  ...proved('test/contracts/webhook.test.ts', [
    ['SEC-302', 'A message is signed as Standard Webhooks wants it', 'a message is signed as Standard Webhooks wants it'],
    ['SEC-304', 'A message follows no redirect', 'nothing goes to where a receiver redirects'],
    [
      'MSG-24',
      'A repeat that may be one is marked where the receiver cannot tell',
      'people are told of a possible repeat where the receiver knows no keys, and a program of the parts',
    ],
    ['SEC-305', 'A failure tells a model nothing that the receiver wrote', 'a failure tells nothing of the answer and nothing of the address'],
  ]),
  ...proved('test/contracts/outbox.test.ts', [
    ['SEC-303', 'A message keeps its key over every attempt', 'is tried again under its key where it may pass later, as late as the receiver asks'],
    [
      'MSG-25',
      'A message is tried a bounded number of times, and so long',
      'is dead at once where the receiver refuses it, after its attempts, and after its time',
    ],
    ['MSG-26', 'The same effect sends one message', 'is the same message by its key, whatever it says'],
    ['MSG-27', 'Messages to one destination keep their order', 'goes in its order, one after the other, whatever fails'],
    [
      'MSG-28',
      'Each part of a long message is a step of its own',
      'goes in parts that the platform takes, each a step of its own; a part that is refused takes the rest with it',
    ],
    ['MSG-29', 'The queue is bounded', 'is bounded in number, in bytes and in length, and a tool is told'],
    [
      'MSG-30',
      'A destination that fails holds up no other, and is left alone',
      'does not hold up what goes elsewhere, and is left alone when it fails again and again',
    ],
    ['MSG-31', 'Several processes share the queue, in order, under fences', 'keeps its order, gives a part to one of them, and hands on what a dead one held'],
    [
      'MSG-39',
      'The order of a destination holds over several machines',
      'keep the order of every destination, and one takes over what another that died had in its hands',
    ],
    ['MSG-40', 'No other process takes a message while its owner lives, however long it takes to send', 'stays with its process while that lives'],
    [
      'MSG-41',
      'A message that was taken over is taken back by no renewal',
      'is taken over from one that stood still, which writes nothing more about it and gets it back by no renewal',
    ],
    ['MSG-42', 'A send of a gateway alone costs no timer', 'costs no timer and no write where no other process waits to take it over'],
    ['MSG-32', 'What was sent is forgotten', 'is forgotten with its conversation, but for what is on its way; of the dead a thousand parts are kept'],
    [
      'MSG-33',
      'A secret that became known while a message waited does not leave in it',
      'that is no longer configured, or that the guard lets not go any more, is dead',
    ],
  ]),
  ...proved('test/faults/outbox.test.ts', [
    ['MSG-35', 'A message survives SIGKILL at any write', 'at any write loses nothing and repeats nothing unmarked (${format})'],
    ['MSG-36', 'A message survives SIGKILL at any moment of a request', 'at any moment of a request loses nothing and repeats nothing unmarked (${format})'],
    [
      'MSG-37',
      'A thousand waiting messages survive crashes, in order, each once',
      'again and again with a thousand messages that wait loses none, and each arrives once, in order',
    ],
    ['MSG-38', 'A message survives a write that fails', 'at any write of a message (${format}, ${failure}) loses nothing and repeats nothing unmarked'],
  ]),
  ...proved('test/journeys/cli-outbox.test.ts', [
    [
      'MSG-34',
      'What did not leave is listed, shown, tried again and dropped',
      'cara outbox lists what waits and what is dead, shows one, tries it again, and drops it',
    ],
  ]),
  ...proved('test/security/messages.test.ts', [
    ['SEC-306', 'Messages go to configured names only', 'reaches no address and no name that the owner did not configure, and says which there are'],
    ['SEC-307', 'A stranger’s word sends no message', 'sends nothing that the owner did not name, and nothing at all on the word of a stranger'],
    ['SEC-308', 'No secret leaves in a message', 'lets no secret out, in whatever form it knows it'],
    ['SEC-309', 'The address of a destination is a secret', 'keeps address and signing secret from the model, the log, the trail and every door'],
    ['SEC-310', 'What the gateway sends by itself has its receipts too', 'messages.test delivers a fixed text, with its receipts; a refusal fails it'],
  ]),
  ...proved('test/security/approval-notices.test.ts', [
    [
      'SEC-318',
      'Word of a question that waits carries nothing that a model wrote',
      'is told to the owner’s destinations: tool, conversation, id, and nothing that a model wrote',
    ],
    [
      'MSG-52',
      'Word of a question that cannot be handed over is tried again',
      'that cannot be told waits all the same, and is tried again, under the same key',
    ],
  ]),
  ...proved('test/faults/messages.test.ts', [
    [
      'SEC-317',
      'A crash sends no message twice unmarked',
      'a message that a crash cut off is sent again under its key, and marked where the receiver knows no keys',
    ],
  ]),
  ...proved('test/contracts/questions.test.ts', [
    ['SEC-311', 'What a tool asks a model is paid by its turn', 'a turn that has used up its budget asks nothing more, and what is left bounds the answer'],
    [
      'SEC-312',
      'What a tool asks a model passes the prompt checkpoint',
      'it passes the prompt checkpoint, waits and tries again as a turn does, and tells what failed',
    ],
  ]),
  ...proved('test/security/media.test.ts', [
    [
      'SEC-313',
      'Only pictures of the owner’s folders and of the public web are looked at, and no bomb',
      'looks at nothing outside the folders, at no drawing with links, and at nothing that unpacks to more than a picture',
    ],
    ['SEC-314', 'What a picture says is a stranger’s word', 'what a picture says is a stranger’s word: it names no destination'],
    ['SEC-315', 'A picture of the web comes from public hosts, 20 MiB at most', 'stops at 20 MiB, at an error, and at everything that is not public'],
  ]),
  ...proved('test/contracts/image-facts.test.ts', [
    ['SEC-316', 'The kind of a picture is read from its bytes', 'what is no picture of these kinds is none, whatever it is called'],
  ]),
  ...proved('test/security/audit-reading.test.ts', [
    [
      'SEC-300',
      '`cara doctor` verifies the audit trail and who may read it',
      'verifies the trail and says which key, how many receipts and the anchor; warns of a file that others may read',
    ],
    [
      'SEC-319',
      'The audit trail tells allowed, failed, refused and held apart',
      'tells allowed, failed, refused and held apart: what, where, by whom, through which door and under which rule',
    ],
    ['SEC-301', '`cara audit show --turn` tells the story of one turn', 'tells what one turn did and nothing of another'],
  ]),
  ...proved('test/journeys/approvals.test.ts', [
    [
      'SEC-380',
      'The owner’s words about a call stand apart from its result, and no result imitates them',
      'brings the owner’s words before a result of others and outside of its mark, and an imitation of them stays inside',
    ],
    [
      'SEC-381',
      'A word about a destination is for every tool, one about a conversation for its own',
      'destination: for every tool; session: for its own alone; neither for what else speaks against the call',
    ],
    [
      'SEC-382',
      'Proposed grants are made as they were shown, or not at all',
      'what shadow mode proposes is granted as it was shown or not at all, and not proposed again',
    ],
    [
      'SEC-100',
      'A held call is asked about, with where its value came from, and runs once it is allowed',
      'is asked about, with what it would do and where its value came from, and runs once it is allowed',
    ],
    [
      'SEC-101',
      'A denial does not happen, and the owner’s note is his word',
      'does not happen when it is denied, and the owner’s note reaches the model as his own word',
    ],
    ['SEC-102', 'The owner may change the arguments', 'runs with the arguments that the owner put in, and the model hears of the change'],
    ['SEC-103', 'Held calls of one answer are one group', 'is asked about together with the others of its answer, while what passes runs'],
    ['SEC-104', 'A question outlives the process', 'waits over a restart, and its conversation keeps its order'],
    ['SEC-105', 'Shadow mode records and proposes the fewest grants', 'shadow: records what it lets pass, and proposes the fewest grants'],
    ['SEC-106', 'A grant is taken back at once', 'destination: everywhere, until it is taken back'],
  ]),
  ...proved('test/journeys/approvals-doors.test.ts', [
    [
      'SEC-107',
      'A client of /v1 is told what waits, and the turn goes on when it is answered',
      'is told what waits and how to answer; in a conversation the turn goes on when that happens',
    ],
    ['SEC-108', 'WebSocket clients hear what waits, and why', 'tells a waiting turn by agent.wait, chat.send and events, and why by its id'],
  ]),
  ...proved('test/security/approvals.test.ts', [
    [
      'SEC-109',
      'What changed after the answer is asked about anew',
      'a call whose facts changed after the answer is asked about anew, and said to have changed',
    ],
    [
      'SEC-110',
      'An answer counts for the hash that it names, all or none',
      'an answer with the hash of another question decides nothing, and takes the others of its list along',
    ],
    ['SEC-111', 'One word is for one call', 'one word is for one call: the same call again, under the same call id, is another question'],
    ['SEC-112', 'A denial stands beside any grant', 'a denial stands, whatever else was allowed beside it'],
    ['SEC-113', 'A grant is never wider than what was offered', 'is never wider than what was offered'],
    ['SEC-114', 'A word of one conversation or shape counts in no other', 'of one conversation or one shape counts in no other'],
    ['SEC-115', 'A lookalike is allowed once at most', 'a value that does not read as it is written is allowed once at most'],
    ['SEC-116', 'What a model says is no approval', 'what a model says about it is no word of the owner'],
    ['SEC-117', 'Answering needs its own scope', 'nobody without the scope, over either door'],
    ['SEC-118', 'A question expires, to the millisecond', 'until it expires, to the millisecond; then it is refused, and says so'],
    ['SEC-119', 'Of two answers one wins', 'of two answers at once one wins'],
    ['SEC-120', 'What cannot be read or kept is refused', 'is refused: grants that cannot be read, answers that cannot, shadow calls that cannot be kept'],
    ['SEC-121', 'An answer is on the audit trail before it counts', 'an answer that the audit trail cannot take is none'],
    ['SEC-122', 'Waiting turns take no slot and hold at most 2 kB', 'hold at most 2 kB of memory each'],
  ]),
  ...proved('test/faults/approvals.test.ts', [
    [
      'SEC-123',
      'Killed around an answer, a call happens once, and what may be a repeat is marked',
      'killed ${blow}, an allowed call happens once, and a repeat is marked',
    ],
    [
      'MSG-51',
      'Word of a question survives a kill, and comes once',
      'a question that was asked right before a kill is told by the next start, and each is told once',
    ],
  ]),
  ...proved('src/std/visible-text.test.ts', [
    ['SEC-124', 'Nothing hides in what the owner is shown', 'shows every character that hides, moves others or passes for a space'],
  ]),
  ...proved('src/guard/count-decisions.test.ts', [
    ['SEC-60', 'A flood of refusals is counted, not written out', 'are noted at once, and counted within their minute, each rule and verdict apart'],
  ]),
  ...proved('test/security/provenance.test.ts', [
    [
      'SEC-19',
      'A call outside goes only where the owner said; a value from untrusted text alone is held, with where it came from',
      'holds what stands in untrusted text only, and says where',
    ],
    ['SEC-20', 'A value stays untrusted when it is copied, encoded, split or echoed', 'a value stays untrusted cut, spaced, encoded and put together again'],
    ['SEC-21', 'An address that looks like the owner’s is another address', 'a lookalike of the owner’s value is another value'],
    [
      'SEC-25',
      'A deed that the owner forbids is not taken for one that he asks for',
      'hears what is asked for in other words, and what is asked not to be done',
    ],
    [
      'SEC-26',
      'What has no arguments acts only on what the owner chose',
      'lets go what was put together of objects that the owner named, once, and nothing that others put in',
    ],
    ['SEC-27', 'What the owner calls his own is found in his own records only', 'finds what the owner calls his own in his own record, and nowhere else'],
    ['SEC-22', 'What identifies the owner leaves in no form without his word', 'holds what identifies the owner, in every form'],
  ]),
  ...proved('src/guard/text/inert.test.ts', [
    ['SEC-150', 'Text of others cannot end or begin the mark it stands in', 'cannot end or begin our mark, written ${name} (K5)'],
    ['SEC-151', 'Text of others holds no token of a chat template', 'holds no token of a chat template: ${token} (K5)'],
    ['SEC-152', 'Text of others cannot speak as somebody else', 'cannot open a line as somebody else (K6)'],
    ['SEC-393', 'A mark is one as it is written, too', 'holds no mark and no token between whose letters others stand that grow when they are taken apart'],
    ['SEC-153', 'No text of others holds a mark, also cut and joined', 'never holds a mark or a token, whatever it is, also cut and joined (K5)'],
  ]),
  ...proved('src/guard/text/find-suspicion.test.ts', [
    ['SEC-154', 'Signs of an injection are found', '${sign}: ${JSON.stringify(text).slice(0, 70)}'],
    ['SEC-155', 'Looking for them takes time in the length of the text', 'take time in the length of the text, for the worst of texts as well'],
  ]),
  ...proved('test/security/text-prompt.test.ts', [
    [
      'SEC-156',
      'Text of others reaches a model marked, and the journal as it was',
      'holds text of others between marks that it cannot end, and the journal holds it as it was (K5, K6)',
    ],
    ['SEC-157', 'A summary of untrusted text is marked', 'marks a summary of untrusted text, and quotes others in what a summary is made of'],
    [
      'SEC-158',
      'The owner is told when a value comes from a text that looks like an attack',
      'is named in the receipts, and in what the owner is told of a held call',
    ],
  ]),
  ...proved('test/security/text-replies.test.ts', [
    ['SEC-160', 'After untrusted text no link or image leads where nobody vouches for', 'are inert: ${JSON.stringify(text)}'],
    ['SEC-161', 'Links to hosts that the owner or a trusted result names stay', 'stay where the owner, a trusted result or the configuration names their host'],
    ['SEC-162', 'A reply runs nothing where it is shown', 'runs nothing: HTML, scripts in links, control sequences, characters that turn the text'],
    ['SEC-163', 'Known secrets do not leave spread, backwards or encoded', 'do not leave ${name}'],
    ['SEC-164', 'A secret does not leave in two messages of a turn', 'do not leave in two messages of one turn'],
    ['SEC-165', 'What leaves does not depend on how it is cut', 'is the same wherever it is cut: every secret, tag and link at every byte'],
    [
      'SEC-391',
      'What stands for a secret or personal data becomes the label of no link',
      'makes no link of a mark that stands for a secret or for personal data, wherever it is cut',
    ],
    [
      'SEC-392',
      'A fence is known also where its indentation left before it',
      'knows the beginning of code also where what it is indented with has left before',
    ],
    ['SEC-166', 'Plain words are not kept back', 'keeps back no more than it may, and nothing of plain words'],
    ['SEC-169', 'A person who is not the owner gets no personal data', 'holds no personal data for anybody but the owner'],
    ['SEC-170', 'Arguments and reasoning are told like replies', 'is told by its reasoning and its calls as well, and the calls run as they were'],
  ]),
  ...proved('test/security/text-classifier.test.ts', [
    [
      'SEC-171',
      'The classifier sees text of others as data, and nothing when it is off',
      'is asked about text of others alone, as data between marks, and never when it is off',
    ],
    ['SEC-172', 'Its word warns or blocks', 'warns, or blocks, and only from its threshold on'],
    ['SEC-173', 'It fails open only by configuration', 'that fails keeps text back where it blocks, and only the configuration lets it pass'],
    ['SEC-174', 'It rests after failures and is tried again', 'rests after failures, and is tried again'],
  ]),
  ...proved('src/guard/text/credentials.test.ts', [
    ['SEC-167', 'Credentials are known by how they look', 'are found by how they look: ${vendor} (L2)'],
    ['SEC-168', 'They are seldom seen where there are none', 'are seldom seen in what is none: the rate over prose, code, hashes, images and numbers'],
  ]),
  ...proved('test/security/injection-sample.test.ts', [
    [
      'SEC-28',
      'The rules hold in fields that they were not written for',
      'nothing gets outside in fields that the rules were not written for, and most honest tasks ask nothing',
    ],
    ['SEC-23', 'A hijacked model gets nothing outside; an honest one seldom asks', 'a hijacked model gets nothing outside, and an honest one asks once'],
  ]),
  ...proved('test/security/file-modes.test.ts', [
    ['SEC-225', 'Whatever the umask is, nobody else may use what is ours', 'under umask 0000 a whole session leaves nothing that others may use'],
    ['SEC-226', 'What others could use is taken from them, and told', 'what others could use is taken from them at the next start, and told'],
    [
      'SEC-227',
      'A key that others could have read, and a folder of somebody else, refuse the start',
      'a key that others could have read, and a folder of somebody else, refuse the start and say what to do',
    ],
  ]),
  ...proved('test/security/canary.test.ts', [
    ['SEC-383', 'An allowed command finds no secret', 'a command that the owner allowed has no secret in its environment, its command line or its reach'],
    [
      'SEC-228',
      'No secret is left in folder, log, audit trail, model request, title or output',
      'a hijacked model, a careless vendor and kill -9 leave no secret in folder, log, audit, request, title or output',
    ],
    [
      'SEC-229',
      'A defect says no secret, and nothing makes a report, a snapshot or a debugger',
      'a defect that names a secret ends the gateway without saying it, and no flag or signal makes a report, a snapshot or a debugger',
    ],
    ['SEC-230', 'What the gateway starts inherits no secret', 'what the gateway starts inherits no secret'],
  ]),
  ...proved('test/security/closed-gates.test.ts', [
    ['SEC-231', 'A broken or missing stage lets no call run', 'toolCall: nothing runs, and the model is told'],
    ['SEC-232', 'A broken or missing stage lets nothing leave', 'egress: nothing is connected'],
    ['SEC-233', 'A store that fails lets nothing happen', 'a store that fails when the owner’s word is looked up lets nothing happen'],
    ['SEC-234', 'An unreadable key closes the gate', 'an unreadable key'],
    ['SEC-235', 'A corrupt sealed value closes the gate', 'a corrupt sealed value'],
  ]),
  ...proved('test/security/sealed-texts.test.ts', [
    [
      'SEC-384',
      'A sealed copy of a file opens whole and in its place, or not',
      'a copy of a file that was cut, swapped or made by somebody without the key does not open',
    ],
    ['SEC-221', 'With `store.encrypt` no word of a conversation is on the disk', 'a gateway with store.encrypt leaves no word of a conversation in its folder'],
    ['SEC-222', 'Turning it on leaves nothing of what was there', 'turning it on seals what is there and leaves nothing of it, turning it off opens it'],
    ['SEC-223', 'A conversion of the texts survives a kill at any step', 'a conversion killed at each of its steps goes on at the next start'],
    ['SEC-224', 'A sealed text opens in its own row alone', 'a text that was moved, changed or put there by somebody without the key does not open'],
  ]),
  ...proved('test/security/credential-store.test.ts', [
    [
      'SEC-214',
      'The key lies in the credential store of the system, where there is one',
      'with a real Secret Service the key lies there: start, doctor, rotate',
    ],
    ['SEC-215', 'A lost credential store closes the gate', 'a lost credential store closes the gate: no other key is made, nothing weaker is used'],
    ['SEC-216', 'No credential store blocks the start', 'a store that never answers ends in bounded time'],
  ]),
  ...proved('test/faults/rotate.test.ts', [
    ['SEC-217', 'A change of the key loses nothing, wherever it is interrupted', 'from ${from} to ${to} loses nothing, killed at each of its steps'],
  ]),
  ...proved('test/journeys/cli-secrets.test.ts', [
    ['SEC-218', 'A secret is given on stdin and never shown', 'set takes a value from stdin as it is, seals it, and list never shows one'],
    [
      'SEC-219',
      'A plain secret in the file is told loudly, and sealed by one command',
      'a plain secret is told at start, in doctor and in the log, and one command seals it in place',
    ],
    ['SEC-220', '`cara secrets rotate` moves everything to another key', 'rotate needs the gateway to be stopped, and moves everything to a password and back'],
  ]),
  ...proved('test/security/named-secrets.test.ts', [
    [
      'SEC-210',
      'A named secret reaches its hosts and no others',
      'for any other host, spelling, port, name or place it is refused before anything is connected',
    ],
    ['SEC-211', 'It follows no redirect to another origin', 'it follows no redirect to another origin, not even back, and leaves in no address'],
    ['SEC-212', 'No model, store, receipt or log sees a named secret', 'through the whole gateway neither model, store, receipt nor log sees it'],
    ['SEC-213', 'An answer gives no half of a secret away', 'an answer that is cut through the secret gives no half of it away'],
  ]),
  ...proved('test/security/hijacked-model/hijacked-model.test.ts', [
    ['SEC-270', 'Whatever plan a hijacked model follows, nothing takes effect outside without the owner’s word', '${plan.class}: ${plan.name} (${plan.rows})'],
    ['SEC-271', 'At least 80 hostile plans of every class are tried', 'has tried at least 80 plans, of every class'],
    ['SEC-272', 'An honest model is not asked for what the owner said himself', '${plan.name}, unasked'],
  ]),
  ...proved('test/security/threats.test.ts', [
    ['SEC-278', 'Every known class of attack has a row that names its defence and its test', 'every class of attack has its row'],
  ]),
  ...proved('test/security/guard-edges.test.ts', [
    ['SEC-279', 'Each bound of the guard holds on both sides', 'is refused one beyond each bound, and not at it'],
    ['SEC-280', 'Known secrets are taken out of whatever a caller hands in', 'are taken out of every role, alone and among clean ones'],
  ]),
  ...proved('test/security/provenance-edges.test.ts', [
    ['SEC-281', 'The owner is told truly where a held value came from', 'names who said it: a page, a file, a person, a tool, or nobody'],
    ['SEC-282', 'An identifier that is cut over several calls is put together', 'are put together from what went out, in order, and from nothing else'],
  ]),
  ...proved('src/std/constant-time.test.ts', [
    ['SEC-283', 'Comparing with a secret tells nothing by its time', 'L1 a first wrong letter takes as long as a last one'],
  ]),
  ...proved('test/journeys/agent.test.ts', [
    ['SEC-284', 'No answer runs more calls than a turn may make', 'runs none of an answer that wants more calls than are left (I2)'],
  ]),
  ...proved('test/security/hijacked-model/defences.test.ts', [
    ['SEC-285', 'Each of those plans succeeds when its defence is taken out', '${plan.class}: ${plan.name} succeeds'],
  ]),
  ...proved('src/guard/approvals/unlocks.test.ts', [
    ['SEC-286', 'What may be offered is as much as the call names', 'is as much as the call names, and only where its destinations are the reason'],
    [
      'SEC-287',
      'A grant covers its tool, its values and its conversation, and no further',
      'session: the same tool, these destinations and objects, in this conversation',
    ],
  ]),
  ...proved('test/security/hostile-folder.test.ts', [
    ['SEC-273', 'A folder that somebody else has filled has no influence on commands', 'J2 a hostile folder has no influence on commands'],
    ['SEC-274', 'Nor on a gateway that is started in it', 'J2 a gateway that is started in a hostile folder asks its own model with its own words'],
  ]),
  ...proved('test/security/log-poisoning.test.ts', [
    [
      'SEC-385',
      'What a model puts into a call is in no line of the log',
      'K2 what a model puts into a call is in no line of the log, and the owner finds it with its refusal',
    ],
    ['SEC-275', 'What strangers send is in no line of the log', 'K2 headers, paths and names of strangers are in no line of the log'],
    [
      'SEC-388',
      'A host that a model chose is short in the log, and gives no known secret away',
      'K2 a host that a model chose is short in the log, and holds no known secret however it is spelled',
    ],
  ]),
  ...proved('test/security/session-isolation.test.ts', [
    ['SEC-276', 'One conversation knows nothing of another', 'L4 no other conversation and no request without one is told what was said'],
    ['SEC-277', 'An idempotency key counts within its conversation', 'L4 the same idempotency key in another conversation brings back no answer of the first'],
  ]),
  ...proved('test/security/auth-revocation.test.ts', [
    [
      'SEC-240',
      'A rotated token opens nothing, and what it opened closes within a second',
      'C4 a rotated token opens nothing, its sockets close within a second, and the new one opens',
    ],
    ['SEC-241', 'What a taken credential had sent is cancelled', 'C4 what a taken credential had sent is cancelled, running or waiting'],
  ]),
  ...proved('test/security/auth-devices.test.ts', [
    ['SEC-248', 'A device token without its key opens nothing', 'C3 a device token without its signature opens nothing'],
    ['SEC-249', 'Nobody admits, rotates or takes away more than he holds', 'C2 nobody admits, rotates or takes away more than he holds'],
    ['SEC-250', 'No sequence of requests mints a scope', 'C1 C2 no sequence of requests yields a token with a scope that its maker lacks'],
    ['SEC-251', 'Of decisions about one request, one wins', 'C2 of an approval, a rejection and another request at once, one wins'],
    ['SEC-252', 'A revoked device is out within a second', 'C4 a revoked or rotated device is out within a second, and what it sent is authorised anew'],
    ['SEC-253', 'Strangers that ask to be devices are few', 'I1 strangers that ask are few, and slowed down'],
  ]),
  ...proved('test/journeys/devices.test.ts', [
    ['SEC-254', 'Another machine is paired by two commands', 'a machine is paired, used by the URL of its gateway, renewed, and taken out'],
  ]),
  ...proved('test/security/auth-audit.test.ts', [
    ['SEC-386', 'Options that open the memory of the runtime are found', 'node-options that open the memory of the gateway, or run code in it, are found'],
    ['SEC-255', 'Each fault that `cara security audit` looks for is found, and not after its own fix', '${check} is found, and not after its fix'],
    ['SEC-256', 'What cannot be looked at is a finding', 'what cannot be looked at is a finding'],
  ]),
  ...proved('test/security/auth-scopes.test.ts', [
    ['SEC-257', 'Every route asks for its scope', 'C7 every route answers those who hold its scope, and nobody else'],
    ['SEC-258', 'Every method asks for its scope', 'C6 every method answers those who hold its scope, and nobody else'],
    ['SEC-259', 'Nobody is known by his address or connection', 'B4 a connection or an address that showed a token once has no token'],
  ]),
  ...proved('test/security/auth-tailnet.test.ts', [
    ['SEC-260', 'A person of the tailnet is who its daemon says', 'B3 a person of the tailnet is who the daemon says, and gets what was configured'],
    ['SEC-261', 'Forged names in headers open nothing', 'B3 B5 another program of this machine that forges the headers is a stranger'],
  ]),
  ...proved('src/guard/identity/password-gate.test.ts', [
    ['SEC-262', 'Two passwords are checked at once, no more', 'A3 two passwords are checked at once, and further ones are refused before anything waits'],
    [
      'SEC-263',
      'A crowd of addresses is no crowd of chances to guess a password',
      'A3 a hundred wrong passwords a minute from everywhere, and a right one is not counted',
    ],
  ]),
  ...proved('test/security/auth-browser.test.ts', [
    [
      'SEC-243',
      'Ten wrong passwords a minute, and no more are looked at',
      'A3 ten wrong passwords one after the other, and the right one is not looked at either',
    ],
    [
      'SEC-244',
      'However many passwords come at once, few are checked, and none beyond the limit',
      'A3 200 passwords at once: at most two are checked at a time, at most ten in all, whatever else is sent along',
    ],
    ['SEC-245', 'A cookie changes nothing for another page', 'A4 a cookie changes nothing without its CSRF token and its own page'],
    ['SEC-246', 'No other page rides a session into the WebSocket', 'A2 a WebSocket by cookie needs the page of its session'],
    ['SEC-247', 'Another password ends every session', 'C4 logout, another password and a rotated token end sessions and their sockets within a second'],
  ]),
  ...proved('src/guard/request.test.ts', [
    [
      'SEC-242',
      'A proxy is believed only where the owner named it, and only plain words',
      'B2 proxyTrusted: behind a trusted proxy the client is the right-most address that is none',
    ],
  ]),
  ...proved('test/security/sandbox-escape.test.ts', [
    ['SEC-180', 'A sandboxed program gets out by none of ninety ways, each of which works without the sandbox', '${group}: ${attempt.name}'],
    ['SEC-181', 'The ways out that are tried are many', 'there are at least thirty ways out to try'],
  ]),
  ...proved('test/security/exec-bypass.test.ts', [
    ['SEC-182', 'A command is an argument vector, and every one is a question', 'the tool asks for every call, and its input takes no line for a shell'],
    ['SEC-183', 'An always covers no dangerous lookalike', 'none is covered by an always of a harmless lookalike'],
    ['SEC-184', 'Arguments reach the program literally', 'every argument reaches the program as it is'],
    ['SEC-185', 'An always covers that program and argument shape alone', 'another file of the workspace in a reader’s place, nothing more'],
    ['SEC-186', 'A command has an environment of its own', 'is nothing but what is said here'],
    ['SEC-187', 'No variable that loads or runs something can be set', 'takes only names that load and run nothing'],
  ]),
  ...proved('test/security/exec-binding.test.ts', [
    [
      'SEC-188',
      'A working folder that changed after the question is refused',
      'the working folder, when its link leads elsewhere or another folder stands there',
    ],
    ['SEC-189', 'A script that changed after the question is refused', 'a script, however it is named'],
    ['SEC-190', 'A program that was exchanged after the question is refused', 'a program of the workspace, also behind a link'],
    ['SEC-191', 'The word for one command is none for another', 'the word for one command is none for another'],
    ['SEC-192', 'What is swapped at the last moment does not run', '${backend}: a script that is swapped after the last look'],
    ['SEC-193', 'Commands do not change what others were bound to', 'two commands do not run at the same time'],
    ['SEC-209', 'No folder that holds something of the gateway is shown to a program', 'no folder that holds something of the gateway is shown to a program'],
    ['SEC-194', 'Nothing of a command is hidden from the owner', 'what hides, reorders or breaks lines is written out'],
    ['SEC-195', 'Two commands are never described alike', 'two commands are never described alike'],
  ]),
  ...proved('test/security/exec-hosts.test.ts', [
    ['SEC-196', 'A command reaches the hosts that were agreed to, and no others', 'reaches a granted host, and is told of no other'],
    ['SEC-197', 'Without a grant a command has no network', 'reaches nothing without the proxy, or without a grant'],
    ['SEC-198', 'No grant leads to this machine or its network', 'reaches no address of this machine or its network, whatever was granted'],
    ['SEC-199', 'A command uses a secret that it never sees', 'uses a secret that it names, and sees it nowhere'],
    ['SEC-200', 'A command does not reach the doors of the gateway', 'does not reach the doors of the gateway'],
    ['SEC-201', 'Where hosts cannot be told apart, none is granted', 'without namespaces no host can be granted'],
  ]),
  ...proved('test/security/sandbox-doctor.test.ts', [
    ['SEC-202', 'Doctor tries the sandbox out, and finds a hole', '${backend}: a hole is found by trying'],
    ['SEC-203', 'Doctor says where commands have no sandbox', 'no sandbox is a warning, and so is one that cannot be had'],
  ]),
  ...proved('test/journeys/exec.test.ts', [
    [
      'SEC-206',
      'A command runs once it is allowed, and its output is untrusted',
      'is asked about with every argument, runs once it is allowed, and its output is somebody’s text',
    ],
    ['SEC-207', 'A command that was denied or has changed does not run', 'does not run when it is denied, nor when what it would run has changed since'],
    ['SEC-208', 'No bypass runs without its own question', 'is a question for each of 190 bypasses, after always was said to all of their lookalikes'],
  ]),
  ...proved('src/sandbox/seccomp.test.ts', [
    ['SEC-204', 'System calls beyond the known are unknown, and other architectures end', 'ends calls of another architecture, and knows none that came later'],
    ['SEC-205', 'The filter reads arguments as the kernel does', 'looks at as much of an argument as the kernel does'],
  ]),
  ...proved('src/secrets/vault.test.ts', [['SEC-17', 'The gateway’s token is made once and kept sealed', 'the token is made once, sealed, and opened again']]),
  ...proved('test/contracts/tool.test.ts', [
    ['SEC-18', 'Memory keeps the origin of what it holds', 'a record keeps what its conversation had seen, and hands it on'],
    [
      'LLM-12',
      'All tools together are small in a prompt',
      'all definitions together stay under 3,200 characters, with file tools under 4,300; those of scheduled work under 650, and of tasks under 650',
    ],
  ]),
  ...proved('test/contracts/store.test.ts', [
    ['STORE-1', 'A failing commit takes no neighbour along', 'shares one transaction between commits of one moment, and keeps a failing one apart'],
    ['STORE-2', 'A damaged or newer database is refused with what to do', 'refuses a file that is no database, and one of a newer version, with what to do'],
    ['STORE-3', 'One gateway per state folder', 'locks a state folder against a second process, and frees it'],
  ]),
  ...proved('test/journeys/cli-surface.test.ts', [
    ['CLI-1', 'Every command answers --help with an example', 'every command answers --help with usage, options, an example and its exit codes'],
    ['CLI-2', 'Every documented example is accepted', 'every example is a command line that its command accepts'],
    ['CLI-3', 'Set-up works by flags alone', 'setup by flags: tries first, then writes; a key of the environment stays a reference'],
  ]),
  ...proved('test/journeys/cli-gateway.test.ts', [
    ['CLI-4', '`cara ask` starts a gateway where none runs', 'ask starts a gateway of its own where none runs, and stops it'],
    ['CLI-5', 'Exit codes say what failed', 'the exit code says what failed'],
    ['CLI-6', 'What a model writes cannot steer the terminal', 'what a model writes cannot steer the terminal'],
  ]),
  ...proved('src/config/load.test.ts', [
    ['CFG-1', 'File, environment and flags win in this order', 'file, environment and flags win in this order, and each value knows its source'],
    ['CFG-2', 'Every problem is told at once, with the nearest key', 'every problem is told at once, with its line and the nearest key, and without values'],
  ]),
  ...proved('src/config/edit.test.ts', [['CFG-3', 'Changes keep every comment', 'a change keeps every comment and every other character']]),
  ...proved('test/contracts/config.test.ts', [['CFG-4', 'Every key is documented', 'every key has a description and its own way to be found']]),
  ...proved('test/journeys/config-effects.test.ts', [
    ['CFG-5', 'Every key has an effect that a test sees', 'every key of the configuration has a proof, and every proof a key'],
  ]),
  ...proved('test/security/files.test.ts', [
    ['SEC-130', 'No path leads a writing tool out of the folders', 'does not leave the folders, however the path is written'],
    ['SEC-131', 'No folder swapped for a link leads it out', 'is not led away by a folder that another process swaps for a link all the time'],
    ['SEC-132', 'A second name outside keeps its content', 'leaves what another name outside shows as it was'],
    [
      'SEC-133',
      'What runs code or holds secrets by being there is not written',
      'never writes what runs code or holds secrets by being there, in whatever case',
    ],
    ['SEC-134', 'Nor by moving a folder', 'brings no folder to a place where what it holds would run'],
    ['SEC-135', 'No file tool touches what is carapace’s own', 'never touches what is carapace’s own, whatever the roots are'],
    ['SEC-136', 'Only regular files are written', 'writes to nothing but regular files'],
    ['SEC-137', 'No search takes for ever', 'takes no hostile pattern or text for ever'],
  ]),
  ...proved('src/std/linear-pattern.test.ts', [['SEC-138', 'Patterns of a model run in linear time', 'takes linear time where others take for ever']]),
  ...proved('test/security/undo.test.ts', [
    ['SEC-139', 'Every write of the model to the owner’s data can be taken back', 'can be taken back, tool by tool, through the whole gateway'],
    ['SEC-140', 'Every writing tool is held to that', 'is one of those that are tried here'],
    ['SEC-141', 'A note comes back no more trusted than it was', 'brings value, origin, permissions and place back'],
    ['SEC-142', 'What was changed since is not overwritten unasked', 'leaves alone what somebody changed since, unless he says so'],
    ['SEC-143', 'A crash between keeping and writing is harmless', 'is on the disk before the write, so that a crash between them is harmless'],
    ['SEC-144', 'What cannot be taken back is not written', 'cannot be kept: then nothing is written'],
    ['SEC-145', 'What is kept is bounded', 'is bounded in bytes and days, the oldest goes first, and what is too large is not written'],
  ]),
  ...proved('test/journeys/cli-approvals.test.ts', [
    ['SEC-387', 'The owner sees what is proposed before he allows it', 'makes the grants that shadow mode proposes, once they were seen'],
    ['SEC-146', 'No text of a model looks like a line of a question, and none of it is hidden', 'forges no line of a question, and hides nothing in it'],
    ['SEC-147', 'No argument is cut without a word', 'is never cut without a word, and whoever allows it hears of the rest'],
    ['SEC-148', 'Only an exact answer allows a call', 'shows the question, and the next line answers it; nothing else is an answer'],
    ['SEC-149', 'Input that is no terminal answers no question', 'without a terminal leaves the question waiting: a line of input is never an answer'],
    ['CLI-8', 'Calls that wait are listed, shown, allowed and taken back', 'lists, shows, allows for a reach, and takes the reach back'],
    [
      'CLI-9',
      'Several calls of a turn are answered together or apart',
      'shows several calls together; some are answered, the others wait and can be answered later',
    ],
    ['CLI-10', 'A script learns from its exit code that a turn waits', 'without a terminal says what waits and how to answer, and ends with its own code'],
  ]),
  ...proved('test/journeys/cli-undo.test.ts', [['CLI-7', 'One command takes writes back', 'cara undo lists, and takes back one, the last, or all of a turn']]),
  ...proved('test/contracts/store-postgres.test.ts', [
    ['CLUS-1', 'On a shared store a commit is whole or not at all', 'keeps commits apart, and takes a whole one back where it changes another number of rows'],
    ['CLUS-2', 'A lost way to the database is found again, and readiness says so meanwhile', 'goes on after the way was cut, and says meanwhile what is wrong'],
    ['CLUS-3', 'What was said to be lost does not come back', 'gives up after a while, and never keeps later what it said it could not keep'],
    [
      'CLUS-20',
      'A connection that closes in the middle of a change ends neither the process nor the change',
      'a change whose connection closes in the middle is repeated, beside others, and the connections go on',
    ],
    ['CLUS-4', 'Several may start on an empty database at once', 'makes its schema once, however many start at the same moment'],
    ['CLUS-38', 'What nodes keep for each other goes, however much there is', 'forgets what nodes kept for each other, however much it is'],
    [
      'CLUS-37',
      'A node under a schema that it does not know is not ready, whatever it can read',
      'stays out of service under another schema, whatever it can still read',
    ],
    [
      'CLUS-45',
      'What nodes tell of jobs and tasks has one order, and is sealed like all texts',
      'keeps what becomes of jobs and tasks in one order, sealed like all texts, and passes over what it cannot read',
    ],
    ['CLUS-5', 'Nothing that a statement held stands in an error', 'says nothing of what stood in a statement when the server refuses it'],
    ['CLUS-6', 'The way to a database elsewhere is encrypted', 'encrypts beyond this machine, and checks who answers, unless the address says otherwise'],
  ]),
  ...proved('test/journeys/cluster.test.ts', [
    [
      'CLUS-10',
      'One address puts the program on PostgreSQL',
      'store.url: the same program keeps everything there, and the password of the address shows nowhere',
    ],
    [
      'CLUS-12',
      'One order per conversation over all nodes',
      'keeps one order in a conversation, whichever node a message comes to, and tells on each what runs on the other',
    ],
    [
      'CLUS-13',
      'Every node tells every turn in order, and a stream goes on at another',
      'streams a turn to the clients of every node in order, and resumes a stream on another node',
    ],
    [
      'CLUS-44',
      'Every node tells what becomes of jobs and tasks, wherever it happens',
      'tells the clients of every node what becomes of jobs and tasks, in one order, wherever it happens',
    ],
    [
      'CLUS-36',
      'A cancelled turn ends also where its node could not be told',
      'cancels a turn on a node that was cut off at that moment, and one whose node does not come back',
    ],
    ['CLUS-14', 'Answers and cancels work on any node', 'takes an answer on any node, and cancels from any'],
    ['CLUS-16', 'A node can be emptied before it is stopped', 'cluster.status lists the nodes, and cluster.drain keeps one from taking anything new'],
    ['CLUS-17', 'Attempts are counted and devices end on all nodes', 'counts failed attempts over all nodes, and ends a device everywhere'],
    [
      'CLUS-18',
      'No node writes under a schema that it does not know',
      'an older node writes nothing under a newer schema, and a newer one changes it when it is alone or told to',
    ],
    ['CLUS-19', 'A job fires once, whichever nodes there are', 'fires a job on one node'],
    ['CLUS-11', 'Only the store knows its engine', 'nobody outside of the store asks which engine it is'],
  ]),
  ...proved('test/contracts/shared-work.test.ts', [
    [
      'CLUS-46',
      'Events of jobs and tasks are heard once each, in the order in which they were kept',
      'are heard by all in the order in which they are kept, and each once, however often a node looks',
    ],
    [
      'CLUS-47',
      'An event that could not be kept is told where it happened',
      'are told here alone where they could not be kept, and what comes later is heard by all again',
    ],
    ['CLUS-48', 'What a newer node tells stops no older one', 'that this version cannot read are passed over'],
    ['CLUS-49', 'Events wait for a store in bounded number', 'wait for a store that does not answer, a thousand at most'],
  ]),
  ...proved('test/security/cluster-guessing.test.ts', [
    [
      'CLUS-39',
      'Guesses are counted over all nodes, and at those that start later',
      'A3 a guesser who goes round the nodes is locked out by the sum, also at one that starts later',
    ],
    [
      'CLUS-40',
      'Guesses at the same moment at every node gain no more than what one node allows for each',
      'A3 of a hundred guesses at once at every node no more are compared than each node has by itself, and then none',
    ],
    ['SEC-390', 'Neither a restart nor a crash ends a lock-out', 'A3 a guesser who is locked out is so after ${how}, and the owner is not'],
  ]),
  ...proved('test/contracts/limits.test.ts', [
    [
      'STORE-90',
      'Wrong credentials of the same moment add up, and are forgotten after a minute',
      'adds up what is counted at the same time, and forgets it after a minute',
    ],
  ]),
  ...proved('src/app/shared-limits.test.ts', [
    ['CLUS-41', 'Strangers who go round the nodes have the rate of one', 'strangers who go round the nodes have the rate of one'],
  ]),
  ...proved('test/journeys/cluster-settings.test.ts', [
    [
      'CLUS-30',
      'A change of a shared setting reaches every node while it runs, and those that come later',
      'cluster.set changes a setting on every node while it runs, and cluster.unset takes it back',
    ],
    [
      'CLUS-31',
      'A node that cannot apply a change goes on as before, and the list of nodes says why',
      'finds a change that nobody told it of, keeps what it cannot apply out, and cluster.status says why',
    ],
    [
      'CLUS-32',
      'No setting that decides about safety is shared, and no secret',
      'shares nothing that decides about safety, that is secret, or that is not valid',
    ],
    ['CLUS-42', 'The bounds of a node follow the shared settings', 'bounds turns, and what is logged, by what is shared'],
    ['CLUS-43', 'Routes, prices and retention follow the shared settings', 'answers by routes, counts by prices and forgets by limits that are shared'],
    ['CLUS-33', 'Changes of shared settings at the same moment all stand', 'of changes at the same moment none is lost'],
    [
      'CLUS-34',
      'The command line changes shared settings, and shows which version each node goes by',
      'cara cluster set and unset change them, and cara cluster status shows which version each node goes by',
    ],
  ]),
  ...proved('test/contracts/store.test.ts', [
    ['MSG-53', 'The store knows of which questions the owner was told', 'keeps which questions were told, by the notice that tells of them'],
    ['TURN-20', 'A worker whose turn was taken can keep nothing more of it', 'keeps nothing more of a worker whose turn another has taken'],
    ['TURN-21', 'A turn that waits for the owner belongs to nobody', 'lets go of a turn in the commit that asks the owner'],
  ]),
  ...proved('test/faults/leases.test.ts', [
    ['TURN-22', 'A run that stands still is left behind, and its turn goes on', 'is left behind, and its turn goes on from the journal, with no effect twice'],
    ['TURN-23', 'A turn that stands still again ends', 'ends when it stands still at the same place again'],
    ['TURN-24', 'What one worker leaves another takes over', 'take over what one of them left, and what that one does after that is kept nowhere'],
    ['TURN-25', 'A worker keeps what it still runs', 'renew what runs long, so that nobody takes it'],
    ['TURN-26', 'A worker that stops leaves its turns to the others', 'leave what they hold to the others at once when they stop'],
  ]),
  ...proved('test/faults/unkept.test.ts', [
    ['TURN-50', 'An end that could not be written at once is written', 'once (${how}) ends as it ended, and no model is asked again'],
    [
      'TURN-51',
      'No end is told that does not stand in the journal',
      'for long is told as one that has not ended, keeps its place, and ends in this process once the store works',
    ],
    ['TURN-52', 'Such a turn can be cancelled', 'and that was cancelled stays cancelled'],
    [
      'TURN-57',
      'What nobody could ask for again ends, and no model is asked for it',
      'and that nobody could ask for again fails as it did, and no model is asked again',
    ],
    ['TURN-58', 'A client is told so, and can wait for the true end', 'is told to clients as one that goes on, and waited for to its true end'],
    ['TURN-53', 'Such a turn can be taken up before', 'goes on at once where its owner says so'],
    [
      'TURN-54',
      'No model is asked for ever for an end that cannot be written',
      'again and again, and alone of all writes, asks the model a few times and ends as stuck',
    ],
    ['TURN-55', 'A message that stands in the journal is accepted', 'is accepted where it stands there, and answered once'],
    ['TURN-56', 'One that does not is refused', 'is refused where it does not'],
    ['CRON-50', 'A run ends as the journal of its turn does', 'stays open, and ends with it in this process, whose answer is delivered once'],
    ['CRON-52', 'It ends where its conversation is deleted', 'ends as it was heard to end where its conversation is deleted before anybody looks'],
    ['CRON-51', 'Also after a restart', 'ends with it after the next start, whose answer is delivered once'],
  ]),
  ...proved('test/contracts/db-check.test.ts', [
    ['STORE-24', 'A check of the database finds every law between rows that is broken', 'finds that ${broken}'],
    ['STORE-25', 'It finds texts that were changed or moved', 'finds texts that were changed or moved'],
    ['STORE-26', 'It works while the gateway writes', 'reads beside a gateway that writes'],
  ]),
  ...proved('test/faults/migrate.test.ts', [
    [
      'STORE-27',
      'An upgrade that is killed goes on, under a copy from before it',
      'killed at any statement goes on at the next start, with one whole copy from before it',
    ],
    ['STORE-28', 'Copies from before upgrades are bounded', 'keeps the three newest copies and nothing half made'],
    ['STORE-29', 'No upgrade begins without its copy', 'does not begin when the copy cannot be made'],
  ]),
  ...proved('test/journeys/cli-data.test.ts', [
    [
      'STORE-30',
      'One command says whether the database is sound',
      'cara db checks and describes the database beside a gateway that runs, and says with its exit code whether it is sound',
    ],
  ]),
  ...proved('test/faults/every-write.test.ts', [
    [
      'STORE-43',
      'Whichever write fails, what must hold between rows holds before the next start and after it',
      'fails once (${failure}), and whatever must hold between rows holds before the next start and after it',
    ],
  ]),
  ...proved('test/security/backup.test.ts', [
    ['STORE-31', 'A backup names no place outside of what backups hold', 'names no place outside of what a backup holds'],
    ['STORE-32', 'It holds regular files alone', 'holds no link, device, folder or extension'],
    ['STORE-33', 'It holds what its manifest says, once', 'says nothing twice, and nothing that its manifest does not say'],
    ['STORE-34', 'No backup fills the disk or the memory', 'fills no disk and no memory'],
    ['STORE-35', 'What was cut, changed or swapped does not open', 'opens with no other password, and not when a byte of it is changed, cut, added or moved'],
    ['STORE-36', 'Its pieces are bound to their places', 'of pieces that were swapped or dropped does not open'],
    ['STORE-37', 'It holds the keys only where that was chosen', 'holds the keys only where that was chosen, and no process of this machine'],
    ['STORE-38', 'Nothing is replaced before all was checked', 'replaces nothing unasked, and nothing of it when it is refused'],
    ['STORE-39', 'What comes back is readable by its owner alone', 'comes back as it was, readable by its owner alone'],
  ]),
  ...proved('test/faults/restore.test.ts', [
    [
      'STORE-40',
      'A restore that is killed leaves the old state or the new one',
      'killed at any step leaves the old state or the new one, and the next start ends what was begun',
    ],
  ]),
  ...proved('test/journeys/cli-data.test.ts', [
    [
      'STORE-41',
      'A backup is made while the gateway runs, and comes back whole',
      'cara backup works beside a gateway that answers all the time, and cara restore refuses beside one and brings all of it back',
    ],
    [
      'STORE-42',
      'No password of a backup is on a command line',
      'a sealed backup takes its password from the environment or a line of input, and never without twelve characters',
    ],
  ]),
  ...proved('test/faults/disk.test.ts', [
    [
      'STORE-44',
      'A full disk refuses, loses nothing, and is gone once there is room',
      'refuses what it cannot keep, loses nothing that it kept, and goes on once there is room',
    ],
    ['STORE-45', 'A start on a full disk says so', 'is named by a start, which works once there is room, with everything that was kept'],
    ['STORE-46', 'So does one in a folder that cannot be written', 'is named by a start, can be looked at, and starts once it can be written'],
    ['STORE-47', 'A database that another program holds is named', 'that another program holds is named, and works once that lets go'],
    ['STORE-48', 'A damaged database is named with the way back', 'that is damaged is named with the way back, and a backup brings everything back'],
  ]),
  ...proved('test/security/erase.test.ts', [
    ['STORE-49', 'What is erased is nowhere in the state folder', 'that is erased is nowhere in the state folder, and what belongs to others stays'],
    ['STORE-50', 'Erasing that was interrupted is ended', 'whose erasing was interrupted is swept at the next start'],
    ['STORE-51', 'No table is forgotten when a conversation is erased', 'leaves traces in no table that nobody thought of'],
  ]),
  ...proved('test/journeys/cli-data.test.ts', [
    [
      'STORE-52',
      'A conversation is taken along and erased by one command each',
      'cara data takes a conversation along, shows what would go, and erases it with a receipt that says nothing of it',
    ],
  ]),
  ...proved('test/faults/every-write-postgres.test.ts', [
    ['STORE-53', 'The same on PostgreSQL', 'fails once (${failure}), and what must hold between rows holds there too'],
    [
      'STORE-70',
      'There, too, a write that fails costs no message and no run of a job',
      'of errands fails once (${failure}), and no message and no run of a job is lost or there twice',
    ],
    [
      'STORE-72',
      'There, an answer that is lost with its connection loses nothing',
      'of ${name} holds all the same where answers to commits are lost with their connections',
    ],
    ['STORE-54', 'No table grows there without a rule or a written reason', 'has a rule or a reason for every table there'],
  ]),
  ...proved('test/contracts/retention.test.ts', [
    ['STORE-20', 'No table grows without a rule or a written reason', 'has a rule or a reason for every table'],
    ['STORE-21', 'What is too old goes in short commits', 'goes in short commits'],
    ['STORE-71', 'Forgetting that is cut off breaks no law between rows', 'that is cut off in the middle of a conversation leaves what must hold'],
    ['MSG-50', 'What a turn may send again stays known', 'keeps what a turn has sent as long as that may send it again'],
    ['STORE-22', 'A conversation loses whole turns only', 'forgets old messages by whole turns, and counts what is left'],
  ]),
  ...proved('src/gateway/forget-old.test.ts', [
    [
      'STORE-23',
      'Forgetting runs in the background',
      'waits after the start, pauses between its steps, goes on every hour whatever failed, and ends when it is told',
    ],
  ]),
  ...proved('test/contracts/store.test.ts', [
    [
      'TURN-32',
      'Where turns stand and what they did can be read back',
      'tells where turns stand and what they did, and takes the end of one back while its conversation stands still',
    ],
  ]),
  ...proved('test/journeys/turns.test.ts', [
    ['TURN-33', 'A turn that failed can go on, and does nothing again', 'a turn that failed goes on where its journal ends, and does nothing again'],
    ['TURN-34', 'None goes on out of order', 'a turn does not go on behind what came after it, nor while it runs or waits, nor twice at once'],
    [
      'TURN-60',
      'A cancelled turn stays cancelled, whatever becomes of the process',
      'a turn that was cancelled is not taken up again by the next process, whether it ran or waited',
    ],
    ['CLI-20', 'Turns are listed, shown, resumed and cancelled', 'cara turns lists what runs, waits and ended, and shows one step by step'],
  ]),
  ...proved('test/faults/every-position.test.ts', [
    [
      'TURN-35',
      'Killed at any commit, a turn with everything ends as if nothing had been, and 95 % need nobody',
      'killed at any commit of a turn with everything, it ends as if nothing had been',
    ],
  ]),
  ...proved('test/journeys/replay.test.ts', [
    ['TURN-36', 'A past turn runs again without effect', 'of what nobody changed differs in nothing, asks no model, does nothing and keeps nothing'],
    [
      'TURN-37',
      'A replay plays answers of the owner and failures, too',
      'of a call that was denied, of a stateless turn and of one that failed differs in nothing',
    ],
    [
      'TURN-38',
      'A replay shows what the rules of now say differently',
      'shows what is held, refused or let through now, and what a model would be told differently',
    ],
    ['CLI-21', 'A replay ends with 1 where something differs', 'cara replay shows what differs, ends with 1 then, and with --guard-only tells of calls alone'],
  ]),
  ...proved('test/journeys/sleeping-turns.test.ts', [
    [
      'TURN-39',
      'A turn whose model says when to ask again waits without taking a place',
      'takes no place while it waits, keeps the order of its conversation, and goes on at that time and not before',
    ],
    ['TURN-40', 'It sleeps through restarts', 'sleeps through a restart, also through the time itself'],
    ['TURN-41', 'It can be ended or taken up before', 'can be cancelled, and taken up before its time'],
    ['TURN-42', 'What may not wait fails at once', 'fails at once outside a conversation, where it may not wait, and beyond what it may wait in all'],
  ]),
  ...proved('test/contracts/store.test.ts', [['TURN-43', 'Nobody holds a turn that sleeps', 'lets a turn sleep, which nobody holds until it is time']]),
  ...proved('test/faults/begun-calls.test.ts', [
    [
      'TURN-27',
      'What may have happened runs again by the owner’s word alone, one word for each time',
      'is asked about, and runs again once for each word of the owner',
    ],
    ['TURN-28', 'It is taken as done where he says so', 'is taken as done where he says so, and stays unknown where he says nothing'],
    ['TURN-29', 'Where nobody may be asked it is not run', 'stays unknown where nobody may be asked'],
    ['TURN-30', 'Where the outside can tell, it is asked first', 'is taken as it is, runs where it did not happen, and is asked about where nobody knows'],
    [
      'TURN-31',
      'A crash neither repeats a write nor loses what somebody did since',
      'is not done twice where what it wrote was ${then}, and nothing that somebody did since is lost',
    ],
  ]),
  ...proved('test/faults/cluster.test.ts', [
    [
      'CLUS-15',
      'Kills and a lost database lose nothing, double nothing and keep the order',
      'loses nothing and does nothing twice while nodes are killed and the database is cut',
    ],
  ]),
  ...proved('test/journeys/schedule.test.ts', [
    ['CRON-1', 'A job runs at its instants, as an ordinary turn', 'runs at its instants as a turn of its own conversation, and not between them'],
    ['CRON-2', 'A job of one time runs once', 'runs once and is over, at a time of its zone or after a while'],
    ['CRON-3', 'What is wrong with a job is said when it is made', 'says what is wrong with a schedule, a name, a destination'],
    [
      'CRON-4',
      'A clock that is set back or ahead neither doubles a run nor silences a job',
      'that a clock set back brings again does not run twice, and one set ahead does not silence the job',
    ],
    ['CRON-5', 'An instant runs once, however many gateways look', 'runs once, however many gateways look at the same store'],
    ['CRON-6', 'What was forgotten does not run again', 'stays closed when the row of its run was forgotten'],
    ['CRON-7', 'A restart in the minute of a run loses nothing', 'a few minutes late are on time: a restart in the minute of a run loses nothing'],
    ['CRON-8', 'A job ends with the credential that made it', 'whose maker may send no more is paused, and goes on for whoever resumes it'],
    ['CRON-9', 'An answer is sent once', 'is sent to its destination once, under the key of its instant'],
    ['CRON-10', 'A heartbeat with nothing to tell is silent', 'of a heartbeat with nothing to tell is not sent'],
    ['CRON-11', 'Runs are bounded, and what waits is not missed', 'waits for a place where as many runs go on as may'],
  ]),
  ...proved('src/gateway/schedule/cron-instants.test.ts', [
    [
      'CRON-12',
      'Cron expressions are right in every zone, at every change of its clocks',
      'is due at exactly the instants that a walk through all minutes finds, in every zone and at every change of its clocks',
    ],
    [
      'CRON-13',
      'A skipped local time comes once, and one that is shown twice too',
      'skipped by the clocks comes at the first instant after, and twice shown comes once',
    ],
    [
      'CRON-53',
      'What repeats begins one period after it was made, not at once',
      'every: the first time is one period after it was made, also for whoever looks a moment before that',
    ],
  ]),
  ...proved('test/faults/schedule.test.ts', [
    ['CRON-14', 'Killed at any moment, a job runs once', 'killed in the minute of a run at any moment, a job runs once'],
  ]),
  ...proved('test/journeys/cli-cron.test.ts', [
    ['CLI-30', 'Scheduled work at the command line', 'cara cron adds, shows in its time zone, changes, pauses, runs and removes a job'],
  ]),
  ...proved('test/security/schedule.test.ts', [
    [
      'CRON-20',
      'What a hijacked model schedules is not the owner’s word when it runs',
      'is not the owner’s word when it runs: what goes out in it is asked about',
    ],
    ['CRON-21', 'It stays untrusted for good', 'stays untrusted for good, and reaches the model between marks'],
    ['CRON-22', 'Also where no stranger was heard', 'made before a stranger was heard is still no word of the owner’s'],
    ['CRON-23', 'Words of the owner elsewhere do not vouch for it', 'runs in no conversation in which the owner’s words would vouch for it'],
    [
      'CRON-24',
      'It reaches neither destinations nor the owner’s own jobs',
      'can name no destination, no conversation and no model, and cannot touch the owner’s own',
    ],
    ['CRON-25', 'It does not multiply', 'makes no further jobs, none that runs all the time, and not too many'],
    ['CRON-26', 'It ends with the credential of its turn', 'ends with the credential of the turn that made it'],
    ['CRON-27', 'A job of the owner holds his words', 'holds his words: where he said, it goes, and nowhere else'],
    [
      'CRON-28',
      'No answer carries private data out of a conversation of strangers',
      'sends no answer out of a conversation that has seen strangers’ texts and private data',
    ],
  ]),
  ...proved('test/journeys/schedule.test.ts', [
    ['CRON-30', 'Nothing is asked where a file has not changed', 'asks no model where its file has not changed, and says so'],
    ['CRON-31', 'Nothing is asked where a page has not changed', 'asks no model where its page has not changed, by its tag or by its bytes, or cannot be read'],
    ['CRON-32', 'Nothing is asked at the wrong time of day, or without its note', 'runs only at its time of day and while its note is kept'],
  ]),
  ...proved('test/contracts/jobs.test.ts', [
    ['CRON-15', 'The commit that accepts a turn decides who runs an instant', 'is taken by one turn alone, in the commit that accepts it'],
    ['CRON-16', 'An end is written down once', 'ends once'],
    [
      'STORE-91',
      'A conversation is taken along with the tasks and jobs that run in it',
      'is taken along with the conversation in which it runs, and so are its job and the tasks there, page by page',
    ],
  ]),
  ...proved('test/journeys/tasks.test.ts', [
    [
      'TASK-1',
      'A task runs as an ordinary turn of its own conversation',
      'runs at once as an ordinary turn of its own conversation, and is done by its answer',
    ],
    [
      'TASK-2',
      'A task that did not come to its end is tried again after a while, and goes on from there',
      'that did not come to its end is tried again after a while, in the same conversation, which says so',
    ],
    ['TASK-3', 'Tries, turns and time of a task are bounded', 'fails where its tries, its turns or its time are used up, and is begun again by hand'],
    ['TASK-4', 'The time of a run is bounded', 'whose run takes too long is stopped, and tried again'],
    [
      'TASK-5',
      'A task waits for the word of the owner, without a place and without losing time',
      'that needs the word of the owner waits for it, takes no place and no time, and goes on when he has answered',
    ],
    ['TASK-6', 'A task waits for the time that a model server names', 'whose model says when to ask again waits for that, and no time of its run passes'],
    ['TASK-7', 'A task waits for a configuration', 'waits for a configuration, and goes on with the next process or by hand'],
    ['TASK-8', 'A task ends with the credential that answers for it', 'whose maker may send no more is blocked, and goes on for whoever resumes it'],
    ['TASK-9', 'A task is cancelled wherever it stands', 'is cancelled wherever it stands, and its turn with it'],
    ['TASK-10', 'A task follows its turn', 'follows its turn where that is cancelled'],
    ['TASK-11', 'A command that does not fit how a task stands is refused', 'takes no command that does not fit how it stands'],
    ['TASK-12', 'A task can be changed', 'says something else from the next run on, and keeps what was not named'],
    ['TASK-13', 'Runs of tasks are bounded', 'run at most so many at once, the longest due first'],
    ['TASK-14', 'Tasks are switched off with scheduled work', 'do not run, and cannot be made, where scheduled work is switched off'],
    ['TASK-15', 'One node runs a try', 'have one turn for each try, however many gateways look at the same store'],
    [
      'TASK-16',
      'Another gateway gives no run its time anew',
      'that run keep the end of their time where another gateway starts, and have it anew where the only one starts again',
    ],
    ['TASK-17', 'A crash loses no task and makes no try twice', 'go on in their turns after a crash: no try is lost, none is made twice'],
    ['TASK-18', 'A clock that is set loses no task', 'that were put off by a clock that stood ahead come when it is set right'],
    ['TASK-19', 'A task goes with its conversation', 'whose conversation is erased are gone with it'],
  ]),
  ...proved('src/gateway/schedule/task-outcome.test.ts', [
    [
      'TASK-20',
      'What becomes of a task is decided by how its turn ended',
      'is done by an answer, goes on after a budget or a fault, and ends where the same words would meet the same end',
    ],
    ['TASK-21', 'Tries come at growing, random distances', 'waits longer after each try, at random, as long as the server says, and never beyond a day'],
    ['TASK-22', 'A try that could not begin is bounded, too', 'whose turn is not accepted counts, but for one that another node has taken'],
  ]),
  ...proved('test/contracts/tasks.test.ts', [
    ['TASK-23', 'The commit that accepts a turn decides who runs a try', 'has one turn for each try, in the commit that accepts it'],
    ['TASK-24', 'Where a task stands otherwise than its turn is found in the database', 'is found where it stands otherwise than its turn'],
  ]),
  ...proved('test/security/schedule.test.ts', [
    [
      'TASK-30',
      'What a hijacked model makes a task of is not the owner’s word when it runs',
      'is not the owner’s word in any of its runs: what goes out is asked about',
    ],
    [
      'TASK-31',
      'A task keeps trust and privacy of the conversation that made it',
      'keeps trust and privacy of the conversation that made it, whoever resumes it, and reaches the model between marks',
    ],
    ['TASK-32', 'Also where no stranger was heard', 'made before a stranger was heard vouches for nothing all the same'],
    [
      'TASK-33',
      'A model’s tasks have the budgets of every task, and touch none of the owner’s',
      'can name no conversation, no model and no budget, and touches no task of the owner’s',
    ],
    ['TASK-34', 'Tasks do not multiply', 'makes no further tasks and jobs, nor does a job of a model, and there are not too many'],
    ['TASK-35', 'A model’s task ends with the credential of its turn', 'ends with the credential of the turn that made it'],
    [
      'TASK-36',
      'A model is told of the tools for tasks only while there is a task',
      'is changed and cancelled by the model as its own words, and told of only while there is one',
    ],
  ]),
  ...proved('test/faults/tasks.test.ts', [
    ['TASK-40', 'Killed at any moment, a task comes to its end', 'killed at any moment, a task has one turn for each try and comes to its end'],
  ]),
  ...proved('test/journeys/cluster.test.ts', [
    [
      'TASK-41',
      'Each try runs on one of the nodes, and another one takes up what was left',
      'runs each try of a task on one node, and takes up what another one left',
    ],
    ['TASK-42', 'A task goes on when the setting that it waits for is shared', 'goes on with a task when the setting that it waits for is shared'],
  ]),
  ...proved('test/journeys/tasks.test.ts', [
    [
      'TASK-43',
      'A question outlives a crash, and its answer ends the task',
      'that wait for the owner go on waiting after a crash, and are done with his answer',
    ],
  ]),
  ...proved('test/faults/every-write.test.ts', [
    ['TASK-44', 'A write that fails loses no task', 'of tasks fails once (${failure}), and no task is lost and no try made twice'],
  ]),
  ...proved('test/journeys/tasks.test.ts', [
    [
      'TASK-45',
      'The time of a run does not pass while its turn waits behind others',
      'behind another turn of its conversation has its time from when it begins',
    ],
    ['TASK-46', 'A try that is refused is one of those that are bounded', 'whose conversation takes no more is tried again, and that counts'],
  ]),
  ...proved('test/journeys/tasks.test.ts', [
    ['TASK-47', 'A task that runs ends with the credential that answers for it', 'whose maker may send no more while it runs is stopped'],
    ['TASK-48', 'Tasks of other processes are known', 'of other processes are known after a look'],
  ]),
  ...proved('test/journeys/cli-task.test.ts', [
    ['CLI-31', 'Tasks at the command line', 'cara task creates, lists, shows, changes, cancels and begins a task again'],
  ]),
]
