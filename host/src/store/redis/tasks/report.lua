-- Stores an event and its report about a task. A task ends once: an event after
-- its end is a copy, or too late, and is not stored.
-- KEYS: the task, tasks by when they are due, the stream if it goes to one.
local id, status, ends = ARGV[1], ARGV[2], ARGV[3] == '1'
local most, data = tonumber(ARGV[4]), ARGV[5]
local task = redis.call('HMGET', KEYS[1], 'owner', 'ended', 'timeout', 'keep')
if task[2] then
  return false
end
local answer = 1
if KEYS[3] then
  -- First, since it fails without changes if the key is not a stream.
  answer = redis.call('XADD', KEYS[3], 'MAXLEN', ARGV[6], ARGV[7], '*',
    'type', ARGV[8], 'data', data, 'source', ARGV[9])
end
-- It may have expired since its owner was looked up.
if task[1] then
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  redis.call('HSET', KEYS[1], 'updated', now, 'sent', 1)
  if status ~= '' then
    redis.call('HSET', KEYS[1], 'status', status)
  end
  if #data > most then
    redis.call('HDEL', KEYS[1], 'result')
  else
    redis.call('HSET', KEYS[1], 'result', data)
  end
  if ends then
    redis.call('HSET', KEYS[1], 'ended', 1)
    redis.call('ZREM', KEYS[2], id)
  else
    redis.call('ZADD', KEYS[2], now + tonumber(task[3] or 0), id)
  end
  redis.call('PEXPIRE', KEYS[1], tonumber(task[4] or 86400000))
end
return answer
