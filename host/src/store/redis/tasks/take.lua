-- Takes a task, unless its owner exceeds its rate or the task is known already.
-- KEYS: the task, tasks by when they are due, the owner's rate, and for a request
-- with an idempotency key the known request.
local id, owner, received = ARGV[1], ARGV[2], ARGV[3]
local timeout, keep, sending = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local per_second, burst = tonumber(ARGV[7]), tonumber(ARGV[8])
local task_of, content = ARGV[9], ARGV[10]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- The taker sends it; nobody else does before its deadline. Its time-out starts
-- when it was sent. Returns how many times it was taken.
local function take(key, id)
  redis.call('HSET', key, 'owner', owner, 'status', received, 'received', now,
    'timeout', timeout, 'keep', keep, 'until', now + sending)
  redis.call('HDEL', key, 'result', 'updated')
  redis.call('PEXPIRE', key, keep + sending)
  redis.call('ZADD', KEYS[2], now + sending + timeout, id)
  return redis.call('HINCRBY', key, 'taken', 1)
end

if KEYS[4] then
  local known = redis.call('GET', KEYS[4])
  if known then
    local was, before = string.match(known, '^(%S*) (.*)$')
    local task = redis.call('HMGET', task_of .. before, 'owner', 'sent', 'until')
    if task[1] then
      if was ~= content then
        return {'differs', '', 0}
      end
      -- A repeated request extends the life of both keys, as news does.
      for _, key in ipairs({KEYS[4], task_of .. before}) do
        if redis.call('PTTL', key) < keep then
          redis.call('PEXPIRE', key, keep)
        end
      end
      if task[2] then
        return {'sent', before, 0}
      end
      if now < tonumber(task[3] or 0) then
        return {'busy', before, 0}
      end
      return {'again', before, take(task_of .. before, before)}
    end
  end
end

-- Generic cell rate algorithm: one number per client, the time at which its rate
-- limit has recovered fully. It is kept to a thousandth of a millisecond.
if per_second > 0 then
  local each = 1000 / per_second
  local paid = math.max(tonumber(redis.call('GET', KEYS[3]) or now), now)
  local wait = paid - now - each * (burst - 1)
  if wait > 0.5 then
    return {'limited', '', math.ceil(wait)}
  end
  paid = paid + each
  redis.call('SET', KEYS[3], string.format('%.3f', paid), 'PX', math.ceil(paid - now))
end

take(KEYS[1], id)
if KEYS[4] then
  redis.call('SET', KEYS[4], content .. ' ' .. id, 'PX', keep + sending)
end
return {'new', '', 0}
