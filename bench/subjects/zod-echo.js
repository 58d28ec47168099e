/** What `POST /echo` takes and answers, for the frameworks that leave validation to their users. */
import { z } from "zod"

export const echo = z.object({
  text: z.string(),
  times: z.int().min(1).max(100).optional(),
  tags: z.array(z.string()).optional()
})
