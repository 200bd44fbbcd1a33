"""ChannelML 1.8.1 to the IR; see README.md."""

from mod_translator.channelml.document import lower_element, mechanisms

__all__ = ["lower_element", "mechanisms"]
