-- Times out some of the tasks that are due, and notifies their owners.
-- KEYS: tasks by when they are due, the doorbell, and its key for edges that can't subscribe.
local task_of, stream_of = ARGV[1], ARGV[2]
local some, status, kind = tonumber(ARGV[3]), ARGV[4], ARGV[5]
local nearly, max_events, expiry = ARGV[6], ARGV[7], tonumber(ARGV[8])
local news_kept, news_lease = ARGV[9], ARGV[10]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, some)
local owners = {}
for _, id in ipairs(due) do
  local key = task_of .. id
  local task = redis.call('HMGET', key, 'owner', 'ended', 'keep')
  if task[1] and not task[2] then
    local data = '{"taskId":"' .. id .. '","status":"' .. status .. '"}'
    local stream = stream_of .. task[1]
    -- Without a usable stream the owner can't be notified; the task still has the status.
    local added = redis.pcall('XADD', stream, 'MAXLEN', nearly, max_events, '*', 'type', kind,
      'data', data, 'source', 'task/' .. id)
    if type(added) ~= 'table' then
      if redis.call('PTTL', stream) < expiry then
        redis.call('PEXPIRE', stream, expiry)
      end
      owners[#owners + 1] = task[1]
    end
    redis.call('HSET', key, 'status', status, 'result', data, 'updated', now)
    redis.call('PEXPIRE', key, tonumber(task[3] or 86400000))
  end
  redis.call('ZREM', KEYS[1], id)
end
if #owners > 0 then
  local lines = table.concat(owners, '\n')
  if type(redis.pcall('PUBLISH', KEYS[2], lines)) == 'number' then
    redis.pcall('XADD', KEYS[3], 'NOMKSTREAM', 'MAXLEN', '~', news_kept, '*', 'type', 'rung',
      'data', lines)
  else
    redis.pcall('XADD', KEYS[3], 'MAXLEN', '~', news_kept, '*', 'type', 'unrung', 'data', lines)
    redis.pcall('PEXPIRE', KEYS[3], news_lease)
  end
end
return {#due, #owners}
