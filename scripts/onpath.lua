-- Wireshark dissector for the onpath chunk payload of RTP (docs/wire-format.md).
--   wireshark -X lua_script:scripts/onpath.lua
-- Preferences (Edit > Preferences > Protocols > ONPATH) or on the command line:
--   tshark -X lua_script:scripts/onpath.lua -o onpath.payload_type:97 -d udp.port==5004,rtp -r capture.pcap
local onpath = Proto("onpath", "onpath chunk")

local f = onpath.fields
f.version = ProtoField.uint8("onpath.version", "Version", base.DEC, nil, 0xf0)
f.rank = ProtoField.uint8("onpath.rank", "Rank", base.DEC, nil, 0x0f)
f.output = ProtoField.uint8("onpath.output", "Output")
f.sequence_high = ProtoField.uint16("onpath.sequence_high", "Sequence number, high 16 bits")
f.digest = ProtoField.uint32("onpath.digest", "Sample format digest", base.HEX)
f.request_id = ProtoField.uint64("onpath.request_id", "Request id")
f.offset = ProtoField.uint64("onpath.offset", "Offset (bytes)")
f.length = ProtoField.uint64("onpath.length", "Sample length (bytes, 0: not known yet)")
f.dim = ProtoField.uint32("onpath.dim", "Dimension")
f.bytes = ProtoField.bytes("onpath.bytes", "Sample bytes")

local truncated = ProtoExpert.new("onpath.truncated", "Chunk header is truncated", expert.group.MALFORMED, expert.severity.ERROR)
local unknown_version = ProtoExpert.new("onpath.unknown_version", "Version is not 1", expert.group.PROTOCOL, expert.severity.ERROR)
local past_end = ProtoExpert.new("onpath.past_end", "Chunk reaches past the sample's length", expert.group.PROTOCOL, expert.severity.ERROR)
onpath.experts = { truncated, unknown_version, past_end }

onpath.prefs.payload_type = Pref.uint("RTP payload type", 97, "Dynamic RTP payload type (96 to 127) that carries onpath chunks")

local HEADER_BYTES = 32

function onpath.dissector(tvb, pinfo, tree)
  pinfo.cols.protocol = "ONPATH"
  local chunk = tree:add(onpath, tvb())
  if tvb:len() < 1 then
    chunk:add_proto_expert_info(truncated)
    return 0
  end

  chunk:add(f.version, tvb(0, 1))
  if tvb(0, 1):bitfield(0, 4) ~= 1 then
    chunk:add_proto_expert_info(unknown_version)
    return tvb:len()
  end
  local rank = tvb(0, 1):bitfield(4, 4)
  local header_bytes = HEADER_BYTES + 4 * rank
  chunk:add(f.rank, tvb(0, 1))
  if tvb:len() < header_bytes then
    chunk:add_proto_expert_info(truncated)
    return tvb:len()
  end

  chunk:add(f.output, tvb(1, 1))
  chunk:add(f.sequence_high, tvb(2, 2))
  chunk:add(f.digest, tvb(4, 4))
  chunk:add(f.request_id, tvb(8, 8))
  chunk:add(f.offset, tvb(16, 8))
  local length_item = chunk:add(f.length, tvb(24, 8))
  local shape = {}
  for i = 0, rank - 1 do
    local range = tvb(HEADER_BYTES + 4 * i, 4)
    chunk:add(f.dim, range):prepend_text("[" .. i .. "] ")
    shape[#shape + 1] = tostring(range:uint())
  end

  local data_bytes = tvb:len() - header_bytes
  if data_bytes > 0 then chunk:add(f.bytes, tvb(header_bytes)) end
  local offset, length = tvb(16, 8):uint64(), tvb(24, 8):uint64()
  if length ~= UInt64(0) and offset + UInt64(data_bytes) > length then
    length_item:add_proto_expert_info(past_end)
  end

  local summary = string.format(
    "request %s, bytes %s + %d of %s, shape %s",
    tostring(tvb(8, 8):uint64()), tostring(offset), data_bytes, tostring(length),
    rank > 0 and table.concat(shape, "x") or "of the route")
  pinfo.cols.info = summary
  chunk:append_text(": " .. summary)
  return tvb:len()
end

local rtp_payload_types = DissectorTable.get("rtp.pt")
local registered

local function register()
  if registered then rtp_payload_types:remove(registered, onpath) end
  registered = onpath.prefs.payload_type
  rtp_payload_types:add(registered, onpath)
end

onpath.prefs_changed = register
register()
