"""The notifier: tells who asked for it that an import has ended, by webhook and by e-mail.

Consumes `import-completed`, in a group of its own. Publishes nothing. Owns `gateway.deliveries`: in one transaction it writes
down whom an end is told to, and from that table it tells them, again and again for a day, each time under the same id. Of an
import it reads the numbers and how often what was wrong, never what a row says.
"""
