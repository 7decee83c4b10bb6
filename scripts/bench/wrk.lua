-- Sends the requests of a file with wrk and prints the latency of each.
--
-- Arguments: FILE FIRST RATE RUN CONNECTIONS
--   FILE         lines "group <tab> measured <tab> path <tab> body"; the requests of a group follow one another
--   FIRST        the first group that is sent; after the last group comes the first
--   RATE         groups a second of all connections together; 0 sends as fast as answers come
--   RUN          stands for @RUN@ in a body, and a number that no other request has for @N@
--   CONNECTIONS  there is one for each thread, so a response belongs to the latest request
--
-- At a constant rate each group has its time. A late group is sent at once, and its latency counts from its time,
-- so a slow answer counts for those that had to wait for it too.

local ffi = require("ffi")
ffi.cdef([[
typedef struct { long seconds; long nanoseconds; } moment;
int clock_gettime(int clock, moment *found);
]])
local MONOTONIC = 1
local moment = ffi.new("moment")

local function now()
  ffi.C.clock_gettime(MONOTONIC, moment)
  return tonumber(moment.seconds) + tonumber(moment.nanoseconds) / 1e9
end

local threads = {}

function setup(thread)
  thread:set("id", #threads)
  threads[#threads + 1] = thread
end

function init(args)
  groups = {}
  for line in io.lines(args[1]) do
    local group, measured, path, body = line:match("^(%d+)\t(%d)\t([^\t]*)\t(.*)$")
    local n = tonumber(group) + 1
    groups[n] = groups[n] or {}
    table.insert(groups[n], { measured = measured == "1", path = path, body = body })
  end
  rate, run, connections = tonumber(args[3]), args[4], tonumber(args[5])
  group, place, sent = tonumber(args[2]) + id, 1, 0
  latencies, failed, failure = {}, 0, ""
  headers = { ["Content-Type"] = "application/json" }
  if rate == 0 then
    delay = nil
  end
end

local function current()
  return groups[group % #groups + 1][place]
end

-- wrk calls this before `request`, and waits so many milliseconds.
function delay()
  due = nil
  if place > 1 then
    return 0
  end
  started = started or now()
  local at = started + (sent * connections + id) / rate
  local wait = math.ceil(1000 * (at - now()))
  if wait > 0 then
    return wait
  end
  due = at
  return 0
end

-- wrk calls this once more than it sends, so it changes nothing but the clock.
function request()
  local own = current()
  local body = own.body:gsub("@RUN@", run)
  local n = 0
  body = body:gsub("@N@", function()
    n = n + 1
    return string.format("%d-%d-%d", group, place, n)
  end)
  began = due or now()
  return wrk.format("POST", own.path, headers, body)
end

function response(status, _, body)
  local own = current()
  if status < 200 or status > 299 then
    failed = failed + 1
    if failure == "" then
      failure = own.path .. " answered " .. status .. ": " .. body:sub(1, 300)
    end
  elseif own.measured then
    latencies[#latencies + 1] = math.floor(1e6 * (now() - began))
  end
  place = place + 1
  if place > #groups[group % #groups + 1] then
    group, place, sent = group + connections, 1, sent + 1
  end
end

function done(summary)
  local all, failures, why, finished, most = {}, 0, "", 0, 0
  for _, thread in ipairs(threads) do
    for _, latency in ipairs(thread:get("latencies")) do
      all[#all + 1] = latency
    end
    failures = failures + thread:get("failed")
    finished, most = finished + thread:get("sent"), math.max(most, thread:get("sent") + 1)
    if why == "" then
      why = thread:get("failure")
    end
  end
  local errors = summary.errors
  io.write("seconds ", summary.duration / 1e6, "\n")
  io.write("finished ", finished, "\n")
  io.write("begun ", most * #threads, "\n")
  io.write("failed ", failures + errors.connect + errors.read + errors.write + errors.timeout, "\n")
  io.write("failure ", (why:gsub("%s+", " ")), "\n")
  io.write("microseconds ", table.concat(all, " "), "\n")
end
