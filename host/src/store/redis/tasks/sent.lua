-- Records that workers can have a task: its time-out starts.
-- KEYS: the task, tasks by when they are due.
local task = redis.call('HMGET', KEYS[1], 'owner', 'sent', 'timeout')
if task[1] and not task[2] then
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  redis.call('HSET', KEYS[1], 'sent', 1)
  redis.call('ZADD', KEYS[2], now + tonumber(task[3] or 0), ARGV[1])
end
