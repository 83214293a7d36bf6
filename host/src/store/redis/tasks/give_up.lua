-- Gives up a task that could not be sent: removes it if workers certainly do not
-- have it; otherwise it may be sent again at once. If it was taken again since,
-- the later taker decides.
-- KEYS: the task, tasks by when they are due, the known request.
local id, certain, taking = ARGV[1], ARGV[2] == '1', ARGV[3]
local task = redis.call('HMGET', KEYS[1], 'owner', 'sent', 'taken')
if not task[1] or task[2] or task[3] ~= taking then
  return
end
-- An earlier taker may have sent it, and have reported it as received.
if not certain or taking ~= '1' then
  redis.call('HSET', KEYS[1], 'until', 0)
  return
end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], id)
if KEYS[3] then
  local known = redis.call('GET', KEYS[3])
  if known and string.match(known, '^%S* (.*)$') == id then
    redis.call('DEL', KEYS[3])
  end
end
