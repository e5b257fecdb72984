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
f.text = ProtoField.string("onpath.text", "Text", base.UNICODE)
f.text_end = ProtoField.bool("onpath.text_end", "End of the text")
f.token = ProtoField.uint32("onpath.token", "Token id")

local truncated = ProtoExpert.new("onpath.truncated", "Chunk header is truncated", expert.group.MALFORMED, expert.severity.ERROR)
local unknown_version = ProtoExpert.new("onpath.unknown_version", "Version is not 1", expert.group.PROTOCOL, expert.severity.ERROR)
local past_end = ProtoExpert.new("onpath.past_end", "Chunk reaches past the sample's length", expert.group.PROTOCOL, expert.severity.ERROR)
local empty = ProtoExpert.new("onpath.empty", "No sample bytes, and not the end of a text", expert.group.PROTOCOL, expert.severity.WARN)
local not_its_length = ProtoExpert.new("onpath.not_its_length", "The text ends elsewhere than at its length", expert.group.PROTOCOL, expert.severity.ERROR)
local broken_token = ProtoExpert.new("onpath.broken_token", "Token ids are whole numbers of 4 bytes", expert.group.PROTOCOL, expert.severity.ERROR)
onpath.experts = { truncated, unknown_version, past_end, empty, not_its_length, broken_token }

onpath.prefs.payload_type = Pref.uint("RTP payload type", 97, "Dynamic RTP payload type (96 to 127) that carries onpath chunks")
onpath.prefs.token_digest = Pref.string("Digest of token ids", "", "Chunks with this digest (eight hexadecimal digits) hold token ids; it names their vocabulary")

local HEADER_BYTES = 32
local TEXT_DIGEST = 0x90065db1 -- onpath-sample/1 dtype=utf8 order=sequential

local rtp_marker = Field.new("rtp.marker")

-- Texts and token ids have no length before they end: the packet with the marker tells it, and may carry nothing else.
local function add_sequence(chunk, tvb, header_bytes, is_text)
  local data_bytes = tvb:len() - header_bytes
  local marker = rtp_marker()
  local ends = marker ~= nil and marker.value
  if data_bytes > 0 and is_text then
    chunk:add_packet_field(f.text, tvb(header_bytes), ENC_UTF_8)
  end
  if not is_text then
    for at = header_bytes, tvb:len() - 4, 4 do chunk:add_le(f.token, tvb(at, 4)) end
    if data_bytes % 4 ~= 0 then chunk:add_proto_expert_info(broken_token) end
  end
  chunk:add(f.text_end, ends):set_generated()
  if data_bytes == 0 and not ends then chunk:add_proto_expert_info(empty) end
  local offset, length = tvb(16, 8):uint64(), tvb(24, 8):uint64()
  if data_bytes == 0 and ends and length ~= UInt64(0) and length ~= offset then
    chunk:add_proto_expert_info(not_its_length)
  end
  return (is_text and "text" or math.floor(data_bytes / 4) .. " tokens") .. (ends and ", end" or "")
end

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
  local is_text = tvb(4, 4):uint() == TEXT_DIGEST
  local is_tokens = tvb(4, 4):uint() == tonumber(onpath.prefs.token_digest, 16)
  local kind
  if is_text or is_tokens then
    kind = add_sequence(chunk, tvb, header_bytes, is_text)
  elseif data_bytes > 0 then
    chunk:add(f.bytes, tvb(header_bytes))
  else
    chunk:add_proto_expert_info(empty)
  end
  local offset, length = tvb(16, 8):uint64(), tvb(24, 8):uint64()
  if length ~= UInt64(0) and offset + UInt64(data_bytes) > length then
    length_item:add_proto_expert_info(past_end)
  end

  local summary = string.format(
    "request %s, bytes %s + %d of %s, %s",
    tostring(tvb(8, 8):uint64()), tostring(offset), data_bytes, tostring(length),
    kind or "shape " .. (rank > 0 and table.concat(shape, "x") or "of the route"))
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
